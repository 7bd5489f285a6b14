"""Names that a user's files give to networks, layers and stages; outputs show them unchanged.

A name becomes a cell of a table, a part of a file's name, a label in a figure, and text in a
terminal. A network with a name that one of these would have to change is refused when it is read.
"""

from collections.abc import Iterable

from simulator.base.errors import InputError

MOST_BYTES = 200
"""Bytes of the longest name in UTF-8. File names have at most 255, with suffixes."""
_FORMULA = ("=", "+", "-", "@")
"""A spreadsheet runs a cell that begins with one of these."""


def require_names(names: Iterable[tuple[str, str]], source: object) -> None:
    """Check names.

    Args:
        names: pairs of the use, such as `layer`, and the name.
        source: the file, for the error.

    Raises:
        InputError: a name is empty or too long, has a character without a glyph, such as a control
            or bidirectional character, or begins as a formula does.

    """
    for use, name in names:
        if problem := problem_of(name):
            raise InputError(f"{source}: {use} {shown(name)}: {problem}")


def problem_of(name: str) -> str:
    """Return the reason why outputs cannot show a name unchanged, or an empty text."""
    if not name:
        return "a name is missing"
    if not name.isprintable():
        wrong = next(c for c in name if not c.isprintable())
        return f"holds the character U+{ord(wrong):04X}, which cannot be printed; use another name"
    if (size := len(name.encode())) > MOST_BYTES:
        return f"the name has {size:,} bytes, expected at most {MOST_BYTES}"
    if name.startswith(_FORMULA):
        return f"a name cannot begin with {name[0]!r}, which makes a formula in a spreadsheet"
    return ""


def shown(name: str) -> str:
    """Return a name for an error: quoted, escaped, and not too long."""
    text = ascii(name) if not name.isprintable() else repr(name)
    return text if len(text) <= 60 else text[:57] + "..."
