"""Dotted keys of a schema, such as `array.pes`."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec


def leaves(kind: Any, under: str = "") -> Iterator[tuple[str, type]]:
    """Yield every dotted key below a structure with the type of its values.

    A key whose values have several types comes once for each. A type that is neither a structure
    nor plain counts as text.
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
