"""Axes of a study: values of a key, from lists and ranges in the user's notation.

1,2,4          a list
16:1024:x2     16, 32, 64, ..., up to and including 1024
16:128:+16     16, 32, 48, ..., up to and including 128
1,8:64:x2,100  any of these in one list

A value may be an expression over other keys (`simulator.machines.links`).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.guard import is_file, require_utf8, whole_number
from simulator.base.yaml_text import parse_yaml

Value = str | int | float | bool | None

POINT_FIELDS = (
    "hw",
    "model",
    "input_size",
    "batch",
    "activation_bits",
    "shortcut_bits",
    "bits",
    "tau",
    "tau_1x1",
)
"""The fields of a point other than hardware keys; all other axes are keys of the hardware file."""

PRECISION = ("bits", "tau", "tau_1x1")
"""The point fields that choose the bits of each layer."""

DEFAULT_ENERGY = "45nm"
"""The energy table of a study or a search without a table of its own."""

_MOST_VALUES = 100_000
_DECIMAL = re.compile(r" *[-+]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][-+]?[0-9]{1,2})? *")
"""A number of a range; longer numbers would not be exact."""
_LARGEST = 1 << 62
"""An upper limit of numbers, because the columns have 64-bit integers."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A named list of values; a list with one value is a constant."""

    name: str
    """One of `POINT_FIELDS`, or a dotted key of the hardware file."""
    values: tuple[Value, ...]


def axis(name: str, text: str) -> Axis:
    """Read an axis in the user's notation.

    Raises:
        InputError: a range that does not reach its end, a missing number, or a duplicate value.

    """
    return _distinct(name, text, tuple(_values(name, text)))


def axis_of(name: str, values: Any) -> Axis:
    """Return an axis of Python values: one value, a sequence or array of values, or text.

    Args:
        name: one of `POINT_FIELDS`, or a dotted key of the hardware file.
        values: numbers, names or paths, or text in the notation of `axis`.

    Raises:
        InputError: a value of a wrong type, a duplicate value, or no value.

    """
    if isinstance(values, str):
        return axis(name, values)
    # a pair is one size only inside a list
    items = arguments.listed(values)
    if not items:
        raise InputError(f"{name}: expected at least one value, got none")
    return _distinct(name, str(items), tuple(_value_of(name, item) for item in items))


def _value_of(name: str, item: Any) -> Value:
    """Return one value of an axis from a Python value."""
    if name in {"hw", "model"}:
        example = "cofluent64" if name == "hw" else "r18"
        return require_utf8(str(arguments.name_or_path(name, item, example)))
    if isinstance(item, str):
        return value_of_text(name, item)
    if name == "input_size":
        height, width = arguments.input_size(item)
        return "x".join(map(str, parse_size(f"{height}x{width}")))
    if name == "bits":
        return arguments.number(name, item, "0.56")
    if name in POINT_FIELDS:
        return arguments.whole(name, item, "1")
    if not isinstance(item, bool | int | float):
        raise arguments.wrong_type(f"set[{name!r}]", item, "a number, a text or a list of them")
    return item


def _distinct(name: str, shown: str, values: tuple[Value, ...]) -> Axis:
    seen: set[tuple[bool, Value]] = set()
    for value in values:
        if (isinstance(value, bool), value) in seen:
            raise InputError(f"{name} {shown}: the value {value} occurs twice")
        seen.add((isinstance(value, bool), value))
    return Axis(name, values)


def setting_axis(setting: str) -> Axis:
    """Read `KEY=VALUES`, such as `array.pes=16:1024:x2`.

    Raises:
        InputError: a missing key, missing values, or a wrong range.

    """
    key, equals, text = setting.partition("=")
    if not equals or not key or not text:
        raise InputError(f"--set {setting}: expected KEY=VALUES, for example array.pes=16:1024:x2")
    return axis(key, text)


def _values(name: str, text: str) -> Iterator[Value]:
    for part in _files_of(text) if name in {"hw", "model"} else parts_of(text):
        if not part.strip():
            raise InputError(f"{name} {text}: an empty value")
        if ":" in part and name not in {"hw", "model", "input_size"}:
            for number in _range(name, part.strip()):
                yield value_of_text(name, number)
        else:
            yield value_of_text(name, part.strip())


def _files_of(text: str) -> list[str]:
    """Split a list of names and paths; a comma within the path of a file does not separate."""
    parts, files = text.split(","), []
    while parts:
        count = next((n for n in range(len(parts), 1, -1) if is_file(",".join(parts[:n]))), 1)
        files.append(",".join(parts[:count]))
        del parts[:count]
    return files


def parts_of(text: str) -> list[str]:
    """Split a list into its values; commas inside parentheses do not separate values."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _range(name: str, text: str) -> list[str]:
    """Return the numbers of `FIRST:LAST:xFACTOR` or `FIRST:LAST:+STEP`, exact in decimal."""
    expected = "expected FIRST:LAST:xFACTOR or FIRST:LAST:+STEP, for example 16:1024:x2"
    parts = text.split(":")
    if len(parts) != 3 or parts[2][:1] not in {"x", "+", "-"}:
        raise InputError(f"{name} {text}: {expected}")
    kind = parts[2][0]
    numerals = [parts[0], parts[1], parts[2][1:] if kind == "x" else parts[2]]
    if not all(map(_DECIMAL.fullmatch, numerals)):
        raise InputError(f"{name} {text}: not a number; {expected}")
    first, last, step = map(Decimal, numerals)
    if not all(abs(number) < _LARGEST for number in (first, last, step)):
        raise InputError(f"{name} {text}: a number is not below {_LARGEST:,}")
    advance: Callable[[Decimal], Decimal] = (
        (lambda x: x * step) if kind == "x" else (lambda x: x + step)
    )
    possible = step > 0 and first * last > 0 if kind == "x" else step != 0
    rising = advance(first) > first
    if not possible or advance(first) == first or (last < first if rising else last > first):
        raise InputError(f"{name} {text}: steps of {parts[2]} do not lead from {first} to {last}")
    numbers: list[str] = []
    number = first
    while number <= last if rising else number >= last:
        if len(numbers) == _MOST_VALUES:
            raise InputError(f"{name} {text}: more than {_MOST_VALUES:,} values")
        numbers.append(format(number.normalize(), "f"))
        number = advance(number)
    return numbers


def value_of_text(name: str, text: str) -> Value:
    """Return one value of an axis from its text.

    Raises:
        InputError: text instead of a required number, or a wrong size in pixels.

    """
    if name in {"hw", "model"}:
        return require_utf8(text)
    if name == "input_size":
        return "x".join(map(str, parse_size(text)))
    if name == "bits":
        return _number(name, text, float, "a number such as 0.56")
    if name in POINT_FIELDS:
        return _number(name, text, int, "a whole number")
    value: Value | dict[str, Any] | list[Any] = parse_yaml(text, f"{name}={text}")
    if isinstance(value, dict | list):
        raise InputError(f"{name}={text}: expected one value")
    return value


def _number(name: str, text: str, kind: type[int] | type[float], expected: str) -> Value:
    number = parse_yaml(text, f"{name} {text!r:.60}")
    if isinstance(number, bool) or not isinstance(number, kind | int):
        raise InputError(f"{name} {text!r:.60}: expected {expected}")
    if not abs(number) < _LARGEST:  # also rejects NaN
        raise InputError(f"{name} {text!r:.60}: expected {expected} below {_LARGEST:,}")
    return kind(number)


def parse_size(text: str) -> tuple[int, int]:
    """Return (height, width) from `224` or `600x1000`.

    Raises:
        InputError: any other text.

    """
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(whole_number(part, (1 << 16) - 1) for part in parts):
        raise InputError(f"input_size {text!r}: expected pixels such as 224 or 600x1000")
    return int(parts[0]), int(parts[-1])
