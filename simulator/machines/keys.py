"""Dotted keys of a schema, such as `array.pes`."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec


def leaves(kind: Any, under: str = "") -> Iterator[tuple[str, type]]:
    """Yield every dotted key below a structure with the type of its values.

    A key whose values have several types occurs once for each type. A type that is neither a
    structure nor plain counts as text.
    """
    if get_origin(kind) is Annotated:
        yield from leaves(get_args(kind)[0], under)
    elif get_origin(kind) in {Union, types.UnionType}:
        for member in get_args(kind):
            if member is not type(None):
                yield from leaves(member, under)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__struct_config__.tag is not None:
            yield f"{under}{kind.__struct_config__.tag_field}", str
        for field in msgspec.structs.fields(kind):
            yield from leaves(field.type, f"{under}{field.encode_name}.")
    elif get_origin(kind) is Literal:
        yield under[:-1], type(get_args(kind)[0])
    else:
        yield under[:-1], kind if isinstance(kind, type) else str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberKey:
    """A key whose values may be numbers."""

    kind: Any
    """The type of its values, as in the schema."""
    whole: bool
    """True if the key takes no fractions."""
    words: frozenset[str]
    """The texts that the key takes instead of a number."""
    default: object
    """The value if the file omits the key; `msgspec.NODEFAULT`: the key is required."""


def number_keys(
    struct: type[msgspec.Struct], under: str = ""
) -> Iterator[tuple[str, NumberKey | None]]:
    """Yield every dotted key below a structure with the numbers that it takes; None: texts only."""
    for field in msgspec.structs.fields(struct):
        key = f"{under}{field.encode_name}"
        section = _section(field.type)
        if section is not None:
            yield from number_keys(section, f"{key}.")
            continue
        kinds = set(_plain_kinds(field.type))
        numbers = NumberKey(
            kind=field.type,
            whole=float not in kinds,
            words=frozenset(kind for kind in kinds if isinstance(kind, str)),
            default=field.default,
        )
        yield key, numbers if kinds & {int, float} else None


def _section(kind: Any) -> type[msgspec.Struct] | None:
    """The structure of a section, which a file may leave out if it may be None."""
    members = [kind]
    if get_origin(kind) in {Union, types.UnionType}:
        members = [member for member in get_args(kind) if member is not type(None)]
    (first, *others) = members
    is_section = isinstance(first, type) and issubclass(first, msgspec.Struct) and not others
    return first if is_section else None


def _plain_kinds(kind: Any) -> Iterator[Any]:
    """Yield the plain types that form a type; a literal text counts as itself."""
    if get_origin(kind) is Annotated:
        yield from _plain_kinds(get_args(kind)[0])
    elif get_origin(kind) in {Union, types.UnionType}:
        for member in get_args(kind):
            yield from _plain_kinds(member)
    elif get_origin(kind) is Literal:
        yield from (one if isinstance(one, str) else type(one) for one in get_args(kind))
    else:
        yield kind
