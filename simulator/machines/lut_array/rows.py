"""The records of a layer's output pixels: rows, transfers and output tiles."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.alike import Ends, ends, first_alike
from simulator.machines.lut_array.buffering import Buffering
from simulator.machines.lut_array.handover import Handover
from simulator.machines.lut_array.outputs import Outgoing, outgoing
from simulator.machines.lut_array.pixels import (
    row_bounds,
    step_pixels,
    transfers_of,
    wide_maps,
)
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.records import (
    BlockRow,
    OutputBlock,
    OutputTile,
    Row,
    Shortcuts,
    TileDone,
    TileInputs,
    Transfer,
)
from simulator.machines.lut_array.weights import Lifetimes, Place, tile_weights
from simulator.program import Runs


def maps_of(
    plan: LayerPlan,
    blocks: list[OutputBlock],
    lifetimes: Lifetimes,
    buffering: Buffering,
    handover: Handover,
) -> Runs[Runs[Row]]:
    """Make the rows of a layer, wide map by wide map.

    Args:
        plan: the layer.
        blocks: its output blocks.
        lifetimes: the lifetimes of its weight tiles.
        buffering: the buffering of its inputs.
        handover: its tokens of earlier and later layers.

    """
    rows = _Rows(plan, blocks, lifetimes, buffering, handover, np.diff(row_bounds(plan)))
    alike = rows.alike()
    made = {number: rows.row(number) for number in dict.fromkeys(alike)}
    maps = Runs.of(alike[found.start : found.stop] for found in wide_maps(plan))
    return Runs((times, Runs.of(made[number] for number in each)) for times, each in maps)


class _Part(NamedTuple):
    """The values that distinguish an output block's part of a row from others."""

    row: Ends
    block: Ends
    reads: tuple[int, ...]
    """Bytes that each transfer reads."""
    taken: tuple[int, ...]
    """Bytes of space that each transfer's read takes."""
    freed: tuple[int, ...]
    """Bytes of space that each transfer's last step frees."""
    outgoing: tuple[Outgoing, ...]
    """The outputs of each transfer."""
    under: tuple[int, ...]
    """Scheme `step`: input pixels under each pixel step, and under the next one in time."""
    first_step: int | None
    """Scheme `step`: pixel step of the layer's first read of inputs, if this part contains it."""
    awaited: tuple[int, ...]
    """Tokens of earlier writes that each transfer's read of inputs takes."""
    shortcuts_awaited: tuple[int, ...]
    """The same for the first read of shortcut values."""
    handed: tuple[int, ...]
    """Tokens for later layers that each transfer's last write gives."""


class _Step(NamedTuple):
    """The values that distinguish a pixel step from others of its transfer."""

    pixels: int
    under: int
    """Scheme `step`: input pixels under it."""
    under_next: int
    """Scheme `step`: input pixels under the next pixel step in time."""
    first_read: bool
    ends: Ends


class _Facts(NamedTuple):
    """The values that distinguish a transfer from others of its part of a row."""

    steps: Runs[_Step]
    read: int
    taken: int
    freed: int
    outgoing: Outgoing
    awaited: int
    shortcuts_awaited: int
    handed: int
    ends: Ends


@dataclass(frozen=True, slots=True)
class _Rows:
    """Builder of the rows of a layer."""

    plan: LayerPlan
    blocks: list[OutputBlock]
    lifetimes: Lifetimes
    buffering: Buffering
    handover: Handover
    row_pixels: Ints
    """[rows] output pixels of each row."""
    steps: dict[tuple[object, ...], Runs[_Step]] = field(default_factory=dict)
    """Pixel steps of the transfers so far; most transfers are alike."""

    def alike(self) -> list[int]:
        """[rows] the first row that is like each row."""
        found, met, pixels = self.buffering, self.handover, self.buffering.step_pixels
        edges = np.zeros(len(pixels), dtype=np.int64)
        edges[0] += 1
        edges[-1] += 2
        if found.first_read is not None:
            edges[found.first_read.row] += 4
        next_row = np.concatenate((pixels[1:, :1], pixels[:1, :1]))
        moved = (found.read_bytes, found.taken, found.freed)
        tokens = (met.inputs, met.shortcuts, met.writes)
        return first_alike(edges, self.row_pixels, *moved, *tokens, pixels, next_row)

    def row(self, number: int) -> Row:
        """Make a row."""
        pixels = step_pixels(self.plan, int(self.row_pixels[number]))
        parts = Runs.of(zip(self.blocks, self._parts(number, pixels), strict=True))
        return Runs((times, self._block_row(*one, pixels)) for times, one in parts)

    def _parts(self, row: int, pixels: tuple[int, ...]) -> list[_Part]:
        """Each output block's part of a row; `pixels`: output pixels of the row's pixel steps."""
        found, met = self.buffering, self.handover
        of_row = ends(len(found.read_bytes))[row]
        tables = (found.read_bytes, found.taken, found.freed, met.inputs, met.shortcuts, met.writes)
        reads, taken, freed, *tokens = (map(tuple, table[row].tolist()) for table in tables)
        numbers = range(len(self.blocks))
        of_transfers = [sum(pixels[steps]) for steps in transfers_of(self.plan, len(pixels))]
        leaving = map(tuple, outgoing(self.plan, found.writes, of_transfers))
        under = [found.under(row, number, len(pixels)) for number in numbers]
        first_step = [found.first_step(row, number) for number in numbers]
        columns = (ends(len(numbers)), reads, taken, freed, leaving, under, first_step, *tokens)
        return [_Part(of_row, *facts) for facts in zip(*columns, strict=True)]

    def _block_row(self, block: OutputBlock, part: _Part, pixels: tuple[int, ...]) -> BlockRow:
        """Make an output block's part of a row; `pixels`: output pixels of its pixel steps."""
        steps = [
            self._steps(
                pixels[each],
                part.under[each.start : each.stop + 1],
                None if part.first_step is None else part.first_step - each.start,
            )
            for each in transfers_of(self.plan, len(pixels))
        ]
        bytes_moved = (part.reads, part.taken, part.freed, part.outgoing)
        tokens = (part.awaited, part.shortcuts_awaited, part.handed)
        columns = (steps, *bytes_moved, *tokens, ends(len(steps)))
        transfers = list(zip(*columns, strict=False))  # a shorter row has fewer
        width = self.plan.transfers_together
        firsts = range(0, len(transfers), width)
        images = Runs.of(Runs.of(transfers[first : first + width]) for first in firsts)
        return BlockRow(
            block=block,
            images=Runs((times, self._image(part, image)) for times, image in images),
        )

    def _image(self, part: _Part, transfers: Runs[tuple[Any, ...]]) -> Runs[Transfer]:
        """Make the transfers of an image, or of all images of a row."""
        return Runs((times, self._transfer(part, _Facts(*one))) for times, one in transfers)

    def _steps(
        self, pixels: tuple[int, ...], under: tuple[int, ...], first_read: int | None
    ) -> Runs[_Step]:
        """Pixel steps of a transfer; `first_read`: number of the step with the first read."""
        key = (pixels, under, first_read)
        if key not in self.steps:
            first = [number == first_read for number in range(len(pixels))]
            columns = (pixels, under[:-1], under[1:], first, ends(len(pixels)))
            steps = Runs.of(zip(*columns, strict=True))
            self.steps[key] = Runs((times, _Step(*one)) for times, one in steps)
        return self.steps[key]

    def _transfer(self, part: _Part, facts: _Facts) -> Transfer:
        """Make a transfer."""
        last = part.row.last and part.block.last and facts.ends.last
        return Transfer(
            tiles=Runs((times, self._tile(part, facts, step)) for times, step in facts.steps),
            tile_count=sum(times for times, _ in facts.steps),
            read_bytes=facts.read,
            shortcuts=Shortcuts(
                read_bytes=tuple(size for size in facts.outgoing.shortcuts if size),
                awaited=facts.shortcuts_awaited,
            ),
            vector_cycles=facts.outgoing.vector_cycles,
            written_bytes=facts.outgoing.written,
            space_taken=facts.taken,
            awaited=facts.awaited,
            handed=facts.handed,
            ends=last and self.handover.ends,
        )

    def _tile(self, part: _Part, facts: _Facts, step: _Step) -> OutputTile:
        """Make the output tile of a pixel step."""
        opens, closes = step.ends
        first_of_row, last_of_row = facts.ends.first and opens, facts.ends.last and closes
        place = Place(part.row, part.block.first, first_of_row, last_of_row)
        steps_read = step.under > 0
        return OutputTile(
            pixels=step.pixels,
            first_of_transfer=opens,
            last_of_transfer=closes,
            weights=tile_weights(self.lifetimes, place),
            inputs=TileInputs(
                first=part.row.first and part.block.first and first_of_row,
                transfer_reads=opens and facts.read > 0,
                steps_read=steps_read,
            ),
            done=TileDone(
                steps_read=steps_read,
                next_reads=step.under_next > 0,
                space_freed=facts.freed if closes else 0,
            ),
            input_pixels=step.under,
            awaited=self.handover.first_step_read if step.first_read else 0,
        )
