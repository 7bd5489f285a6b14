"""Serialize the rows of a chunk: the form in which workers send and unfinished studies keep them.

The bytes are MessagePack: the name of every column with its values, null if a row lacks a value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from simulator.base.tabular import Kind

Columns = dict[str, list[Any]]

_decoder = msgspec.msgpack.Decoder(dict[str, list[int | float | bool | str | None]])


def pack(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> bytes:
    """Pack rows into bytes; a whole number in a column of doubles becomes a double."""
    columns: Columns = {name: [row.get(name) for row in rows] for name in kinds}
    for name, kind in kinds.items():
        if kind == "double":
            columns[name] = [None if x is None else float(x) for x in columns[name]]
    return msgspec.msgpack.encode(columns)


def unpack(data: bytes) -> Columns:
    """Return the columns of packed rows."""
    return _decoder.decode(data)
