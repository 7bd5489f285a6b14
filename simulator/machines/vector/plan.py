"""The plan of a vector layer: chunks of its output that fit the buffer; docs/vector.md."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil

from msgspec import Struct

from simulator.base.errors import InputError
from simulator.machines.vector.vocabulary import SLOTS
from simulator.program import Runs
from simulator.workload.vector_layer import VectorLayer


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
    """Output pixels of a row that the unit computes at once."""

    read_bytes: tuple[int, ...]
    """Bytes of each read, in whole bursts: a read for each map; none if all rows are on chip."""
    space_taken: int
    """Bytes of the buffer that the reads take."""
    space_freed: int
    """Bytes of the buffer that no later chunk needs."""
    cycles: int
    written_bytes: int
    """Bytes of its results, in whole bursts."""
    first_read: bool
    """True if its reads are the layer's first."""
    first: bool
    last: bool


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

    @property
    def values(self) -> int:
        """Output values of all images."""
        return self.batch * self.layer.values

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Output columns of each strip: the fewest strips, as even as possible, that fit.

        Raises:
            InputError: not even one column fits.

        """
        width = self.layer.out_width
        least = ceil(width / self.buffer.most_columns)
        for strips in range(least, width + 1):
            most = ceil(width / strips)
            if self._space(most) <= self.buffer.size:
                return tuple(width * (n + 1) // strips - width * n // strips for n in range(strips))
        raise InputError(
            f"{self.buffer.key} is {self.buffer.kib:g}: layer {self.layer.name} needs at least "
            f"{ceil(self._space(1) / 10.24) / 100:g}, the window and the results of one pixel"
        )

    def _space(self, columns: int) -> int:
        """Bytes for the rows under a row of output, and for the results."""
        rows = min(self.layer.window.height, self.layer.in_height)
        return rows * self._row_space(columns) + SLOTS * self.result_bytes(columns)

    def _row_space(self, columns: int) -> int:
        """Bytes of an input row under some output columns, of all maps."""
        layer = self.layer
        across = (columns - 1) * layer.strides.width + layer.window.width
        return sum(self._map_bytes(min(across, layer.in_width)))

    def _map_bytes(self, pixels: int) -> tuple[int, ...]:
        """Bytes of some pixels of each map that the layer reads."""
        return tuple(ceil(pixels * n * self.read_bits / 8) for n in self.layer.operand_channels)

    def result_bytes(self, pixels: int) -> int:
        """Bytes of the results of some pixels, with all copies."""
        return sum(ceil(pixels * self.layer.out_channels * bits / 8) for bits in self.copies)

    def written_bytes(self, pixels: int) -> int:
        """Bytes that the results of some pixels write: every copy in whole bursts."""
        values = pixels * self.layer.out_channels
        return sum(self.buffer.in_bursts(ceil(values * bits / 8)) for bits in self.copies)

    def cycles(self, pixels: int) -> int:
        """Cycles of the unit for some output pixels."""
        return ceil(pixels * self.layer.out_channels * self.lane_cycles / self.lanes)

    @cached_property
    def images(self) -> Runs[Runs[Chunk]]:
        """Chunks of each image in the order of time: strip by strip, row by row."""
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
        reserved = SLOTS * self.result_bytes(max(self.columns))
        at, reads_first, chunks = 0, first, len(self.columns) * self.layer.out_height
        for columns in self.columns:
            width, row_space = self._width(at, columns), self._row_space(columns)
            at += columns
            for new, dropped in self.rows:
                opens, closes = first and not found, last and len(found) == chunks - 1
                read = tuple(map(self.buffer.in_bursts, self._map_bytes(new * width)))
                found.append(
                    Chunk(
                        read_bytes=read if new * width else (),
                        space_taken=new * row_space + (reserved if reads_first and new else 0),
                        space_freed=dropped * row_space + (reserved if closes else 0),
                        cycles=self.cycles(columns),
                        written_bytes=self.written_bytes(columns),
                        first_read=reads_first and new > 0,
                        first=opens,
                        last=closes,
                    )
                )
                reads_first = reads_first and not new
        return Runs.of(found)

    def _width(self, at: int, columns: int) -> int:
        """Input columns under some output columns, without padding."""
        layer = self.layer
        begin = at * layer.strides.width - layer.paddings.width
        end = begin + (columns - 1) * layer.strides.width + layer.window.width
        return max(0, min(end, layer.in_width) - max(begin, 0))

    @cached_property
    def rows(self) -> tuple[tuple[int, int], ...]:
        """Input rows that each output row reads, and rows that the next one does not need."""
        layer, found, low, high = self.layer, [], 0, 0
        for row in range(layer.out_height):
            begin, end = self._under(row)
            low = max(low, begin) if low == high else low
            high = max(high, low)
            new = max(0, end - high)
            high += new
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
