"""The wire format of protocol buffers for many messages of one shape at once.

A message is a row of bytes in an array [N, width]. Numbers that differ from row to row are varints
padded to one width. The format allows this, because a byte of 0x80 adds 0. All rows therefore have
the same length, and no loop runs over rows. See protobuf.dev/programming-guides/encoding.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints

Rows = NDArray[np.uint8]
"""[N, width] bytes; [1, width] applies to every row."""

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def uint(field: int, values: Ints | int) -> Rows:
    """Return a field of unsigned numbers below 2^63."""
    column = np.atleast_1d(np.asarray(values, dtype=np.int64))
    return joined(_tag(field, _VARINT), _varint(column))


def double(field: int, values: NDArray[np.float64]) -> Rows:
    """Return a field of 8-byte floating-point numbers."""
    raw = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(-1, 8)
    return joined(_tag(field, _FIXED64), raw)


def text(field: int, words: str) -> Rows:
    """Return a string field, the same in every row."""
    return message(field, np.frombuffer(words.encode(), dtype=np.uint8).reshape(1, -1))


def message(field: int, *parts: Rows) -> Rows:
    """Return a field that is a message of some fields."""
    content = joined(*parts)
    return joined(_tag(field, _BYTES), _varint(np.array([content.shape[1]])), content)


def joined(*parts: Rows) -> Rows:
    """Concatenate fields in every row."""
    count = max(len(part) for part in parts)
    return np.concatenate([np.broadcast_to(part, (count, part.shape[1])) for part in parts], axis=1)


def _tag(field: int, wire_type: int) -> Rows:
    return _varint(np.array([field << 3 | wire_type]))


def _varint(values: Ints) -> Rows:
    """Return [N, width] varints, with the width that the largest value needs."""
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    shifts = 7 * np.arange(width)
    groups = (values[:, None] >> shifts & 0x7F).astype(np.uint8)
    groups[:, :-1] |= 0x80
    return groups
