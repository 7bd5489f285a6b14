"""Read user input: convert YAML to checked, typed, frozen structures.

Every error is one line that names the file, the key, the value and the allowed values.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec

from simulator.base import names
from simulator.base.errors import InputError
from simulator.base.guard import read_text
from simulator.base.nearest import did_you_mean
from simulator.base.yaml_text import parse_yaml

T = TypeVar("T")

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`(?: - at `\$([^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `([^`]*)`(?: - at `\$([^`]*)`)?")
_WRONG = re.compile(r"(.*?)(?: - at `\$([^`]*)`)?$")
_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        InputError: the file is missing, unreadable, not UTF-8 or malformed (with its line number).

    """
    return parse_mapping(read_text(path), str(path))


def parse_mapping(text: str, source: str) -> dict[str, Any]:
    """Parse YAML whose top level is a mapping.

    Raises:
        InputError: the text is malformed (with the line number), or not a mapping.

    """
    return require_mapping(parse_yaml(text, source), source)


def require_mapping(data: Any, source: str) -> dict[str, Any]:
    """Return the contents of a YAML file if they are keys and values.

    Raises:
        InputError: they are not.

    """
    if not isinstance(data, dict):
        raise InputError(f"{source}: expected keys and values; found {_shown(data)}")
    return data


def convert(data: Any, into: type[T], source: str) -> T:
    """Check plain data against a msgspec structure and return it.

    Raises:
        InputError: a key is unknown or missing, a type is wrong, or a value is out of range.

    """
    try:
        value = msgspec.convert(data, into)
    except msgspec.ValidationError as error:
        try:
            explained = _explain(str(error), data, into)
        except (LookupError, TypeError, ValueError):  # a key that looks like a path
            explained = str(error)
        raise InputError(f"{source}: {explained}") from error
    except UnicodeError as error:  # half of a character
        _require_plain(data, "", source)
        raise InputError(f"{source}: a key cannot be printed") from error
    _require_plain(data, "", source)
    return value


def _require_plain(data: Any, key: str, source: str) -> None:
    """Refuse numbers that are not finite, and texts that cannot be printed."""
    if isinstance(data, float) and not math.isfinite(data):
        raise InputError(f"{source}: {key} is {data}, expected a finite number")
    if isinstance(data, str) and not data.isprintable():
        raise InputError(f"{source}: {key}: {names.problem_of(data)}")
    if isinstance(data, dict):
        for name, value in data.items():
            _require_plain(value, f"{key}.{name}".lstrip("."), source)
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data):
            _require_plain(value, f"{key}[{number}]", source)


def _explain(message: str, data: Any, into: type) -> str:
    """Translate msgspec's message for the user: dotted key, value, and allowed values."""
    if found := _UNKNOWN.match(message):
        name, path = found[1], found[2] or ""
        known = _known_keys(into, path, data)
        hint = f"{did_you_mean(name, known)} known are {', '.join(known)}".lstrip()
        return f"unknown key {_joined(path, name, data)!r}: {hint}"
    if found := _MISSING.match(message):
        return f"missing key {_joined(found[2] or '', found[1], data)!r}"
    found = _WRONG.match(message)
    assert found is not None  # the pattern matches every text
    reason = found[1][0].lower() + found[1][1:].replace("`", "")
    if not found[2]:
        return reason
    if reason.startswith("invalid enum value"):
        reason += f", expected {' or '.join(_choices(into, found[2], data))}"
    value = _value_at(data, found[2])
    return f"{_joined(found[2], '', data)} is {_shown(value)}: {reason}{_hint(value, reason)}"


def _hint(value: Any, reason: str) -> str:
    """Return a hint for a text that YAML 1.1 reads as a number or as a truth value."""
    if not isinstance(value, str):
        return ""
    if "bool" in reason:
        return "; write true or false"
    if re.fullmatch(r"[-+]?[0-9][0-9_]*", value):
        return "; write a number without quotes or underscores"
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _parts(path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _PART.findall(path)]


def _value_at(data: Any, path: str) -> Any:
    for part in _parts(path):
        data = data[part]
    return data


def _joined(path: str, name: str, data: Any) -> str:
    """Return a dotted key, with the names of list entries: layers[3] (conv2).kernel."""
    text = ""
    for part in _parts(path):
        data = data[part]
        if isinstance(part, int):
            title = data.get("name") if isinstance(data, dict) else None
            text += f"[{part}]" + (f" ({title})" if isinstance(title, str) else "")
        else:
            text += f".{part}"
    return (f"{text}.{name}" if name else text).lstrip(".")


def _choices(into: type, path: str, data: Any) -> list[str]:
    """The allowed words for the value at `path`, and `a number` if numbers are allowed."""
    *parents, last = _parts(path)
    types = _types_in(_kinds_at(into, parents, data), last)
    members = [m for t in types for m in (t, *get_args(t))]
    words = [str(w) for m in members if get_origin(m) is Literal for w in get_args(m)]
    return list(dict.fromkeys(words)) + (
        ["a number"] if any(_is_number(m) for m in members) else []
    )


def _is_number(kind: Any) -> bool:
    return kind in {int, float} or getattr(kind, "__origin__", None) in {int, float}


def _known_keys(into: type, path: str, data: Any) -> list[str]:
    """The keys that the structure at `path` allows; in a tagged union, the current tag's keys."""
    data_there = _value_at(data, path)
    names = []
    for kind in _kinds_at(into, _parts(path), data):
        config = kind.__struct_config__
        if config.tag is None or data_there.get(config.tag_field) == config.tag:
            names += [config.tag_field] if config.tag else []
            names += [field.encode_name for field in msgspec.structs.fields(kind)]
    return names


def _kinds_at(into: type, parts: list[str | int], data: Any) -> tuple[Any, ...]:
    """The structures that the schema allows at a path."""
    kinds: tuple[Any, ...] = (into,)
    for part in parts:
        data = data[part]
        kinds = tuple(member for kind in _types_in(kinds, part) for member in _members(kind))
    return kinds


def _types_in(kinds: tuple[Any, ...], part: str | int) -> list[Any]:
    """The types of a field of structures, or of the items of lists."""
    if isinstance(part, int):
        items = (get_args(kind) for kind in _without_limits(kinds))
        return [item for one in items for item in one if item is not Ellipsis]
    return [
        field.type
        for kind in kinds
        if hasattr(kind, "__struct_fields__")
        for field in msgspec.structs.fields(kind)
        if field.encode_name == part
    ]


def _without_limits(kinds: tuple[Any, ...]) -> list[Any]:
    """The types inside `Annotated`."""
    return [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds]


def _members(kind: Any) -> tuple[Any, ...]:
    """The structures of a union, or the kind itself."""
    if hasattr(kind, "__struct_fields__") or getattr(kind, "__origin__", None) in {list, tuple}:
        return (kind,)
    return tuple(member for arg in get_args(kind) for member in _members(arg))
