"""Rows as an Arrow stream, and columns as numbers, by way of their buffers.

`pyarrow.array` and `to_numpy` import pandas to look whether something is a series: 47 MB and half
a second, in every worker.
"""

from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = {"int64": "q", "double": "d"}
"""Types of `array.array`, which refuses what does not fit."""


def stream(rows: Sequence[Mapping[str, Any]], schema: "pa.Schema") -> bytes:
    """Rows as one batch of an Arrow stream; what a row does not have is null."""
    import pyarrow as pa

    columns = [_column([row.get(field.name) for row in rows], field.type) for field in schema]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def numbers(column: "pa.ChunkedArray") -> NDArray[Any]:
    """A column of integers or doubles without nulls."""
    return np.from_dlpack(column.combine_chunks())


def _column(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    """An array of 64-bit integers, doubles, truth values or texts; zeros below its nulls."""
    import pyarrow as pa

    nulls = values.count(None)
    valid = _bits([value is not None for value in values]) if nulls else None
    if str(kind) == "string":
        texts = [b"" if value is None else value.encode() for value in values]
        ends = np.fromiter(accumulate(map(len, texts), initial=0), np.int32, len(texts) + 1)
        buffers = [valid, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    elif str(kind) == "bool":
        buffers = [valid, _bits([bool(value) for value in values])]
    else:
        known = [0 if value is None else value for value in values] if nulls else values
        buffers = [valid, pa.py_buffer(array(_NUMBERS[str(kind)], known))]
    return pa.Array.from_buffers(kind, len(values), buffers, nulls)


def _bits(truths: list[bool]) -> "pa.Buffer":
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(truths, bool), bitorder="little"))
