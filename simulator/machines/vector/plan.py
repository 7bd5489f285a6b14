"""The plan of a vector layer: chunks of its output that fit the buffer; docs/vector.md.

A chunk is some columns of an output row. If the window of not even one pixel fits, the layer also
runs in parts of its channels, one after another.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import ceil
from typing import NamedTuple, Self

from msgspec import Struct

from simulator.base.errors import InputError
from simulator.machines.overlap import Waits
from simulator.machines.vector.on_chip import IN_DRAM, OnChip
from simulator.machines.vector.vocabulary import SLOTS
from simulator.program import Runs
from simulator.workload.vector_layer import VectorLayer

_MOST_CHUNKS = 1 << 22
"""Chunks of a map: a map of 4096 x 4096 pixels on the paper's array has half as many."""


class Buffer(Struct, frozen=True, kw_only=True):
    """The buffer that holds the operands and results of a vector layer."""

    key: str
    """The key of its size in KiB."""
    kib: float
    burst_bytes: int
    """Bytes of a DRAM burst."""
    most_columns: int
    """Most output pixels of a row in a transfer."""

    @property
    def size(self) -> int:
        """Size in bytes."""
        return int(self.kib * 1024)

    def in_bursts(self, size: int) -> int:
        """Bytes, rounded up to whole DRAM bursts."""
        return -(-size // self.burst_bytes) * self.burst_bytes


class Chunk(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Output pixels of a row that the unit computes at once, in some channels."""

    read_bytes: tuple[int, ...]
    """Bytes of each read, in whole bursts: a read for each map; none if all rows are on chip."""
    space_taken: int
    """Bytes of the buffer that the reads take."""
    space_freed: int
    """Bytes of the buffer that no later chunk needs."""
    cycles: int
    written_bytes: tuple[int, ...]
    """Bytes of every copy of its results that leaves, in whole bursts; (0,): none does."""
    awaited: int
    """Tokens of writes of earlier layers that the first of its reads takes."""
    handed: int
    """Tokens for later layers that its last write gives."""
    first: bool
    last: bool


class Place(NamedTuple):
    """The place of a chunk in the maps of an image."""

    part: int
    """Number of its channel part."""
    columns: range
    """Output columns."""
    row: int
    """Output row."""


@dataclass(frozen=True, kw_only=True)
class VectorPlan:
    """A vector layer on a machine."""

    layer: VectorLayer
    batch: int
    read_bits: int
    """Bits of a value that it reads."""
    copies: tuple[int, ...]
    """Bits of a value in every copy that it writes."""
    lanes: int
    lane_cycles: int
    """Cycles of a lane for an output value."""
    buffer: Buffer
    on_chip: OnChip = IN_DRAM
    """The maps in the buffer while the layer runs."""
    waits: Waits | None = None
    """Its waits for single writes if layers overlap; None: it waits for the previous layer."""

    @property
    def values(self) -> int:
        """Output values of all images."""
        return self.batch * self.layer.values

    # --- cuts: channel parts, strips and rows ----------------------------------------------------

    @cached_property
    def channel_parts(self) -> tuple[tuple[int, ...], ...]:
        """[parts][maps] channels of each part: the fewest parts of which one pixel fits.

        Raises:
            InputError: not even one channel fits.

        """
        if self.on_chip != IN_DRAM:
            return self._without_maps.channel_parts
        most = max(self.layer.operand_channels)
        for count in range(1, most + 1):
            cut = self._cut(count)
            if self._space(1, cut) <= self.buffer.size:
                return cut
        raise InputError(
            f"{self.buffer.key} is {self.buffer.kib:g}: layer {self.layer.name} needs at least "
            f"{ceil(self._space(1, self._cut(most)) / 10.24) / 100:g}, the window and the results "
            "of one channel of a pixel"
        )

    def _cut(self, count: int) -> tuple[tuple[int, ...], ...]:
        """Cut the channels of every map into parts, as even as possible."""
        return tuple(
            tuple(n * (part + 1) // count - n * part // count for n in self.layer.operand_channels)
            for part in range(count)
        )

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Output columns of each strip: the fewest strips, as even as possible, that fit.

        Raises:
            InputError: a map has more chunks than a run may have.

        """
        if self.on_chip != IN_DRAM:
            return self._without_maps.columns
        width = self.layer.out_width
        strips = ceil(width / self.buffer.most_columns)
        while self._space(ceil(width / strips), self.channel_parts) > self.buffer.size:
            strips += 1
        chunks = len(self.channel_parts) * strips * self.layer.out_height
        if chunks > _MOST_CHUNKS:
            raise InputError(
                f"layer {self.layer.name}: a map has {chunks:,} rows of strips, at most "
                f"{_MOST_CHUNKS:,}; use a smaller map"
            )
        return tuple(width * (n + 1) // strips - width * n // strips for n in range(strips))

    @cached_property
    def _without_maps(self) -> Self:
        """The layer with all maps in DRAM, whose cuts it keeps."""
        return replace(self, on_chip=IN_DRAM)

    @property
    def places(self) -> Iterator[Place]:
        """The chunks of an image in the order of time: part by part, strip by strip, row by row."""
        ends = list(accumulate(self.columns))
        for part in range(len(self.channel_parts)):
            for columns, end in zip(self.columns, ends, strict=True):
                for row in range(self.layer.out_height):
                    yield Place(part, range(end - columns, end), row)

    @property
    def fits(self) -> bool:
        """True if no map is on chip, or the data from and for DRAM also fits."""
        return self.on_chip.space == 0 or self.needed_bytes <= self.buffer.size

    @property
    def needed_bytes(self) -> int:
        """Bytes of the buffer for the maps on chip, and for data from and for DRAM.

        The rows that the next row of output adds have space, too: reads run ahead of the unit.
        """
        columns, cut = max(self.columns), self.channel_parts
        ahead = self.layer.strides.height * max(self._row_space(columns, x) for x in cut)
        return self.on_chip.space + self._space(columns, cut) + ahead

    @cached_property
    def reads(self) -> bool:
        """True if it reads a map from DRAM; a layer may see only padding."""
        seen = any(self._rows_under(place)[0] for place in self.places)
        return seen and not self.on_chip.all_operands

    @property
    def leaving(self) -> tuple[int, ...]:
        """Bits of a value in every copy that DRAM gets."""
        return self.on_chip.leaving(self.copies)

    @cached_property
    def images(self) -> Runs[Runs[Chunk]]:
        """Chunks of each image in the order of time, with the tokens of layers in a row."""
        maps = self.batch * self.layer.images
        if maps == 1:
            return Runs([(1, self._chunks(first=True, last=True))])
        middle = [(maps - 2, self._chunks(first=False, last=False))] if maps > 2 else []
        return Runs(
            [
                (1, self._chunks(first=True, last=False)),
                *middle,
                (1, self._chunks(first=False, last=True)),
            ]
        )

    def _chunks(self, *, first: bool, last: bool) -> Runs[Chunk]:
        """The chunks of an image, which may be the layer's first or last."""
        found: list[Chunk] = []
        reserved = (self.on_chip.space + self.result_space) * self.reads
        reads_first, places = first, list(self.places)
        for place in places:
            channels, columns = self.channel_parts[place.part], len(place.columns)
            new, dropped = self._rows_under(place) if self.reads else (0, 0)
            row_space = self._row_space(columns, channels)
            opens, closes = first and not found, last and len(found) == len(places) - 1
            found.append(
                Chunk(
                    read_bytes=tuple(filter(None, self.read_bytes(place))),
                    space_taken=new * row_space + (reserved if reads_first and new else 0),
                    space_freed=dropped * row_space + (reserved if closes and self.reads else 0),
                    cycles=self._cycles(columns, channels),
                    written_bytes=self.written_bytes(place),
                    awaited=int(reads_first and new > 0),
                    handed=int(closes),
                    first=opens,
                    last=closes,
                )
            )
            reads_first = reads_first and not new
        return Runs.of(found)

    # --- bytes and cycles ------------------------------------------------------------------------

    @property
    def result_space(self) -> int:
        """Bytes of the buffer for the slots of its results."""
        columns = max(self.columns)
        return SLOTS * max(self._result_bytes(columns, x) for x in self.channel_parts)

    def read_bytes(self, place: Place) -> tuple[int, ...]:
        """[maps] bytes that a chunk reads, in whole bursts."""
        new, _ = self._rows_under(place)
        pixels = new * len(self.columns_under(place.columns))
        sizes = self._map_bytes(pixels, self.channel_parts[place.part])
        return tuple(map(self.buffer.in_bursts, sizes))

    def written_bytes(self, place: Place) -> tuple[int, ...]:
        """[writes] bytes that a chunk writes, in whole bursts: copies that leave, or one of 0."""
        values = len(place.columns) * self._results(self.channel_parts[place.part])
        sizes = tuple(self.buffer.in_bursts(ceil(values * bits / 8)) for bits in self.leaving)
        return sizes or (0,)

    def _space(self, columns: int, cut: tuple[tuple[int, ...], ...]) -> int:
        """Most bytes for the rows under a row of output, and for the results."""
        rows = min(self.layer.window.height, self.layer.in_height)
        return max(
            rows * self._row_space(columns, channels)
            + SLOTS * self._result_bytes(columns, channels)
            for channels in cut
        )

    def _row_space(self, columns: int, channels: tuple[int, ...]) -> int:
        """Bytes of an input row under some output columns, of all maps from DRAM."""
        layer = self.layer
        across = (columns - 1) * layer.strides.width + layer.window.width
        return sum(self._map_bytes(min(across, layer.in_width), channels))

    def _map_bytes(self, pixels: int, channels: tuple[int, ...]) -> tuple[int, ...]:
        """Bytes of some pixels of each map that the layer reads; 0 if the map is on chip."""
        here = self.on_chip.operands or (False,) * len(channels)
        return tuple(
            0 if on_chip else ceil(pixels * n * self.read_bits / 8)
            for n, on_chip in zip(channels, here, strict=True)
        )

    def _results(self, channels: tuple[int, ...]) -> int:
        """Output channels of a part: those of one summand, or of all maps that it joins."""
        return sum(channels) if self.layer.kind == "concat" else channels[0]

    def _result_bytes(self, pixels: int, channels: tuple[int, ...]) -> int:
        """Bytes of the results of some pixels, with all copies that leave."""
        values = pixels * self._results(channels)
        return sum(ceil(values * bits / 8) for bits in self.leaving)

    def _cycles(self, pixels: int, channels: tuple[int, ...]) -> int:
        """Cycles of the unit for some output pixels."""
        return ceil(pixels * self._results(channels) * self.lane_cycles / self.lanes)

    # --- pixels under the windows ----------------------------------------------------------------

    def columns_under(self, columns: range) -> range:
        """Input columns under some output columns, without padding."""
        layer = self.layer
        begin = columns.start * layer.strides.width - layer.paddings.width
        end = begin + (len(columns) - 1) * layer.strides.width + layer.window.width
        return range(max(begin, 0), min(end, layer.in_width))

    def _rows_under(self, place: Place) -> tuple[int, int]:
        """Input rows that a chunk reads, and rows that the next one does not need.

        A strip that covers only padding has none.
        """
        new, dropped = self.new_rows[place.row]
        return (len(new), dropped) if self.columns_under(place.columns) else (0, 0)

    @cached_property
    def new_rows(self) -> tuple[tuple[range, int], ...]:
        """Input rows that each output row reads, and the number that the next one does not need."""
        layer, found, low, high = self.layer, [], 0, 0
        for row in range(layer.out_height):
            begin, end = self._under(row)
            low = max(low, begin) if low == high else low
            high = max(high, low)
            new = range(high, max(high, end))
            high = new.stop
            after = self._under(row + 1)[0] if row + 1 < layer.out_height else high
            dropped = max(0, min(after, high) - low)
            low += dropped
            found.append((new, dropped))
        return tuple(found)

    def _under(self, row: int) -> tuple[int, int]:
        """Input rows from, and up to, which an output row reads."""
        layer = self.layer
        begin = row * layer.strides.height - layer.paddings.height
        end = min(begin + layer.window.height, layer.in_height)
        return max(0, begin), max(0, end)
