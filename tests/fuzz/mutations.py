"""Changes of valid input: its bytes, its text, and the structure of plain data."""

from copy import deepcopy
from random import Random
from typing import Any

NUMBERS = (
    "0", "1", "-1", "2", "3", "7", "64", "255", "256", "65536", "1048576", "1048577", "2147483648",
    "9223372036854775807", "9223372036854775808", "1" + "0" * 40, "9" * 5000, "-0", "1e308",
    "1e309",
    "1e-320", "5e-324", "nan", ".nan", "inf", "-.inf", "0x10", "0o7", "064", "1_000", "1:30",
    "1e-1",
    "١٢", "½", "²", "0.1", "0.56", "1.0", "true", "null", "~", "",
)  # fmt: skip
"""Numbers, and texts that some reader takes for one."""
TEXTS = (
    "=1+1", "-x", "@x", "a\u202eb", "a\u200bb", "a\x00b", "a\x1bb", "a\nb", "a\rb", "\ud800",
    "$HOME", "a$b$c", "$\\frac{1}{0}$", "<!--TITLE-->", "/*DATA*/", "</script>", "[/x]", "{0}",
    "%s",
    "x" * 300, "数" * 100, "__proto__", "..", "a/b", "a,b", "a.b", "a b", "con", "!!int x",
    "2020-13-45",
    "? [a]", "&a [*a]", "{", "[" * 2000, "'", '"', "\t", "#", "!!python/object:os.system x", "*a",
    "array.pes * 2", "1 if 1 else 2", "min()", "array.pes ** 9 ** 9",
)  # fmt: skip
"""Texts that some output or reader takes for more than a text."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 1 << 20, 1 << 31, 1 << 63, 1 << 64, 10**40, 0.5, -0.0, 1e308,
    1e-320,
    float("nan"), float("inf"), "", [], {}, [[]], {"": 0}, [1, 2], {"a": {"b": 1}}, *TEXTS[:14],
)  # fmt: skip
"""Values of plain data."""


_END = 256
"""Bytes at the ends of a file that most formats read first."""


def bytes_changed(data: bytes, random: Random) -> bytes:
    """Flip, cut, repeat, insert or replace some bytes."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 16))):
        place = _place(len(changed), random)
        size = random.choice((1, 1, 2, 4, 8, 64, 1024))
        match random.randrange(7):
            case 0 if place < len(changed):
                changed[place] ^= 1 << random.randrange(8)
            case 1:
                changed[place : place + size] = random.randbytes(size)
            case 2:
                del changed[place : place + size]
            case 3:
                del changed[place:]
            case 4:
                changed[place:place] = changed[place : place + size]
            case 5:
                word = random.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * random.choice(
                    (1, 2, 4, 8)
                )
                changed[place : place + len(word)] = word
            case _:
                changed[place:place] = random.randbytes(size)
    return bytes(changed)


def _place(size: int, random: Random) -> int:
    """Return a place in data; headers and directories at the ends are likelier than the middle."""
    near = random.randrange(min(size, _END) + 1)
    return random.choice((random.randrange(size + 1), near, size - near))


def text_changed(text: str, random: Random) -> str:
    """Replace, insert, repeat or remove a piece of a text."""
    for _ in range(random.choice((1, 1, 2, 3))):
        place, size = random.randrange(len(text) + 1), random.choice((0, 1, 1, 2, 5, 20))
        piece = random.choice(
            (random.choice(NUMBERS), random.choice(TEXTS), text[place : place + size] * 2, "", ":")
        )
        text = text[:place] + piece + text[place + size :]
    return text


def data_changed(data: Any, random: Random) -> Any:
    """Change one to three places of plain data: replace, remove, repeat or rename."""
    changed = deepcopy(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        holder, key = random.choice(list(_places(changed)) or [([changed], 0)])
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.insert(key, deepcopy(holder[key]))
            case 1:
                holder[random.choice(TEXTS)] = holder.pop(key)
            case 2 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] *= random.choice((-1, 0, 2, 1000, 0.5))
            case 3 if isinstance(holder[key], str):
                holder[key] = text_changed(holder[key], random)
            case _:
                holder[key] = deepcopy(random.choice(VALUES))
    return changed


def _places(data: Any) -> Any:
    """Yield (holder, key) of every value at any depth."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)
