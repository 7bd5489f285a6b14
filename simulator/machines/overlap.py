"""Layers that overlap: the writes for which each read waits, as tokens.

A program numbers its writes in order. A read waits for all writes up to a number, the larger of
two:

- its values: the last write of the rows that it reads;
- its space: the last write of the latest layer whose outputs were in the bytes that it takes. A
  layer's last step gives these bytes, but its outputs are in them until they are written.

Every write gives a token, and a read takes the tokens of the writes that no earlier read waited
for. A write that no read waits for gives none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from simulator.base.columns import Ints

Overlap = Literal["none", "layers"]
"""The time at which a layer begins: after the previous layer, or as soon as it has its inputs."""


class Waits(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The tokens in which a layer meets earlier and later layers."""

    awaited: tuple[int, ...]
    """[reads] tokens of earlier writes that each possible read takes; 0 if it does not read."""
    handed: int
    """Number of its writes, from the first on, that give a token."""
    follows: bool
    """True if its first step waits for the last write of the previous layer."""
    followed: bool
    """True if the first step of the next layer waits for its last write."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Flow:
    """The reads and writes of a layer."""

    reads: NDArray[np.bool_]
    """[reads] true if a possible read, in the order of time, is a read."""
    needs: Ints
    """[reads] number of the program's last write with values of each read; 0: no write."""
    taken: Ints
    """[reads] bytes of the buffer that each read takes."""
    leaving: int
    """Bytes among them for outputs."""
    writes: int
    """Number of its writes."""
    counted: bool
    """True if its reads take the bytes of its data. Otherwise it has the buffer for itself."""
    first_read_counts: bool
    """True if its first read takes the bytes of its outputs. Otherwise it waits for all writes."""
    first_step_reads: bool
    """True if its first step waits for its first read."""


class WriteOrder:
    """The writes of a program, layer by layer."""

    def __init__(self, size: int) -> None:
        """Begin with an empty buffer of `size` bytes."""
        self.writes = 0
        """Writes of the layers so far."""
        self._size = size
        self._taken_bytes = 0
        self._waited = 0
        """Writes for which a read has waited."""
        self._last_counts = True
        self._flows: list[Flow] = []
        self._awaited: list[tuple[int, ...]] = []
        self._full: list[int] = []
        """Bytes that all reads may take before they need those of each layer's outputs."""
        self._ends: list[int] = []
        """Number of each layer's last write."""

    def add(self, flow: Flow) -> None:
        """Add the next layer."""
        reads = np.flatnonzero(flow.reads)
        needs = np.maximum(flow.needs, self._needs_of_space(flow))[reads]
        if len(reads) and not (flow.first_read_counts and self._last_counts):
            needs[0] = self.writes
        self._last_counts = flow.counted
        waited = np.maximum.accumulate(np.concatenate(([self._waited], needs)))
        awaited = np.zeros(len(flow.reads), dtype=np.int64)
        awaited[reads] = np.diff(waited)
        self._awaited.append(tuple(awaited.tolist()))
        self._waited = int(waited[-1])
        self._flows.append(flow)
        self.writes += flow.writes
        self._taken_bytes += int(flow.taken.sum())
        self._full.append(self._size + self._taken_bytes - flow.leaving)
        self._ends.append(self.writes)

    def _needs_of_space(self, flow: Flow) -> Ints:
        """[reads] number of the last write after which each read has its bytes."""
        taken_to = self._taken_bytes + np.cumsum(flow.taken)
        layers = np.searchsorted(np.array(self._full, dtype=np.int64), taken_to)
        return np.array([0, *self._ends], dtype=np.int64)[layers]

    def waits(self) -> list[Waits]:
        """Return the tokens of all layers so far."""
        follows = [number > 0 and not x.first_step_reads for number, x in enumerate(self._flows)]
        firsts = [end - flow.writes for end, flow in zip(self._ends, self._flows, strict=True)]
        return [
            Waits(
                awaited=awaited,
                handed=min(max(self._waited - first, 0), flow.writes),
                follows=begins,
                followed=ends,
            )
            for awaited, flow, first, begins, ends in zip(
                self._awaited, self._flows, firsts, follows, [*follows[1:], False], strict=True
            )
        ]


def rows_seen(written: Ints, maps: int, rows: int, *, whole: bool = False) -> Ints:
    """[images, maps, rows] the writes that complete each row as a layer reads it.

    A layer that reads a map in another shape, such as a linear layer, needs the whole map.

    Args:
        written: [images, maps, rows] the writes that complete each row of the map.
        maps: maps per image that the layer reads.
        rows: rows of a map that the layer reads.
        whole: true if it needs the whole map in any case.

    """
    images, *shape = written.shape
    if shape == [maps, rows] and not whole:
        return written
    last = written.max(axis=(1, 2), keepdims=True)
    return np.broadcast_to(last, (images, maps, rows))


def last_of(written: Ints, ranges: Sequence[range]) -> Ints:
    """[..., ranges] the last write of some ranges of rows; 0 for an empty range.

    Args:
        written: [..., rows] the writes that complete each row.
        ranges: the rows.

    """
    found = np.zeros((*written.shape[:-1], len(ranges)), dtype=np.int64)
    for number, rows in enumerate(ranges):
        if len(rows):
            found[..., number] = written[..., rows.start : rows.stop].max(axis=-1)
    return found
