"""The rows of a chunk as bytes: how workers send them and an unfinished study keeps them.

The bytes are MessagePack: every column's name with its values, null for what a row does not have.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simulator.base.tabular import Kind

Columns = dict[str, list[Any]]

_decoder = msgspec.msgpack.Decoder(dict[str, list[int | float | bool | str | None]])


def pack(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> bytes:
    """Rows as bytes; a whole number in a column of doubles becomes a double."""
    columns: Columns = {name: [row.get(name) for row in rows] for name in kinds}
    for name, kind in kinds.items():
        if kind == "double":
            columns[name] = [None if x is None else float(x) for x in columns[name]]
    return msgspec.msgpack.encode(columns)


def unpack(data: bytes) -> Columns:
    """Columns of packed rows."""
    return _decoder.decode(data)
