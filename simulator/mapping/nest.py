"""A layer's loop nest.

    for row of output pixels: for block of output channels: for pixel step in row:
        for group of input channels: for pass over the subset

Rows, transfers and visits that do the same become loops.
"""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.loops import Body, LayerLoops, repeated, times
from simulator.mapping.builder import Builder
from simulator.mapping.inputs import InputReads, plan_inputs
from simulator.mapping.plan import LayerPlan
from simulator.mapping.transfers import Transfers, transfers_of
from simulator.mapping.visits import Read, Visit, VisitCommands
from simulator.mapping.weights import WeightLoads, plan_weights


@dataclass(eq=False)
class LayerNest:
    """One layer: what comes in when, and the loops.

    Raises:
        InputError: a buffer is too small for the layer, however it is cut.

    """

    plan: LayerPlan
    transfers: Transfers = field(init=False)
    inputs: InputReads = field(init=False)
    weights: WeightLoads = field(init=False)

    def __post_init__(self) -> None:
        """Choose how inputs and weights are held."""
        self.transfers = transfers_of(self.plan)
        self.weights = plan_weights(self.plan)
        self.inputs = plan_inputs(self.plan, self.transfers)

    @cached_property
    def loops(self) -> LayerLoops:
        """The layer's commands."""
        builder = Builder()
        rows = _Rows(self, VisitCommands(self.plan, builder, self.inputs, self.weights))
        return builder.build(rows.body())


class _Transfer(NamedTuple):
    """What sets a transfer's visits, in one row and block, apart from others of their layer."""

    block: int
    pixels: int
    reads: tuple[tuple[Read, ...], ...]
    """Of the first visits, or of all."""
    place: int
    """`Visit.place` of the first visit."""
    hold: int
    """`Visit.hold` of the first visit."""
    fetches: bool
    """The first visit needs chunks that the visit before did not."""
    frees: bool
    """`Visit.frees` of one visit: the first or the last, as `_Rows.frees_first` says."""
    first: bool
    """The layer's first."""
    releases: bool
    """`Visit.releases` of the last visit."""
    ends_row: bool
    """The last of its row of output."""
    ends_layer: bool


class _Rows:
    """Makes the bodies of rows, transfers and visits, and keeps them: equal ones are one object."""

    def __init__(self, nest: LayerNest, commands: VisitCommands) -> None:
        """Take what every visit asks for out of the plan, as plain numbers."""
        plan, transfers, weights = nest.plan, nest.transfers, nest.weights
        self.plan, self.nest, self.commands = plan, nest, commands
        self.groups, self.blocks = len(plan.group_units), len(plan.blocks)
        self.per_step, self.per_row = plan.pixels_per_step, plan.steps_per_row
        self.pixel_steps = plan.pixel_steps
        self.starts: list[int] = transfers.row_starts.tolist()
        # Views, whose items are plain numbers: most transfers are never looked at.
        self.steps, self.pixels = transfers.steps.data, transfers.pixels.data
        self.first_step = (transfers.first_pixel // plan.pixels_per_step).data
        self.rows = len(self.starts) - 1
        self.places = weights.first_places(self.rows)
        self.alike = plan.alike_blocks
        self.read_bytes, self.read_ages = nest.inputs.bytes.data, nest.inputs.age.data
        self.blocks_per_group = self.blocks // plan.layer.groups
        self.every_step_reads = nest.inputs.reuse == "step"
        self.every_step_loads = weights.reuse == "step" and self.groups > 1
        self.every_step = self.every_step_reads or self.every_step_loads
        self.frees_first = self.groups == 1 and plan.mode != "mac"
        self._rows: dict[tuple[bool, bool, int, bytes], Body] = {}
        self._transfers: dict[_Transfer, Body] = {}
        self._visits: dict[Visit, Body] = {}
        self._inner: dict[tuple[int, int], Body] = {}
        """By block and hold: visits that neither begin nor end a transfer."""

    def body(self) -> Body:
        """All rows, image by image."""
        rows = [self._row(number, reads) for number, reads in enumerate(self._row_reads())]
        images = self.plan.batch * self.plan.layer.images
        length = self.rows // images if self.rows % images == 0 else self.rows
        return repeated([repeated(rows[k : k + length]) for k in range(0, self.rows, length)])

    def _row_reads(self) -> list[bytes]:
        """What each row's transfers read, and how many pixels they have."""
        inputs, starts = self.nest.inputs, self.starts
        if self.every_step_reads:
            table = inputs.bytes
            starts = [*range(0, self.pixel_steps, self.per_row), self.pixel_steps]
        else:
            pixels = self.nest.transfers.pixels[:, None]
            table = np.concatenate((inputs.bytes, inputs.age, pixels), axis=1)
        data = table.tobytes()
        width = len(data) // len(table)
        return [data[a * width : b * width] for a, b in pairwise(starts)]

    def _row(self, row: int, reads: bytes) -> Body:
        key = row == 0, row == self.rows - 1, self.places[row], reads
        if key not in self._rows:
            blocks = [self._block(row, block, reads) for block in range(self.blocks)]
            self._rows[key] = repeated(blocks)
        return self._rows[key]

    def _block(self, row: int, block: int, reads: bytes) -> Body:
        """One block of output channels along a row: its transfers, equal neighbours made once."""
        first, behind = self.starts[row], self.starts[row + 1]
        width = len(reads) // (behind - first)
        bodies: list[Body] = []
        before = None
        for number in range(first, behind):
            alike = None
            if first + 1 < number < behind - 1 and not self.every_step:
                alike = reads[(number - first) * width : (number - first + 1) * width]
            if alike is None or alike != before:
                bodies.append(self._transfer(self._transfer_of(row, block, number)))
            else:
                bodies.append(bodies[-1])
            before = alike
        return repeated(bodies)

    def _transfer_of(self, row: int, block: int, number: int) -> _Transfer:
        last_row, last_block = row == self.rows - 1, block == self.blocks - 1
        starts, ends = number == self.starts[row], number == self.starts[row + 1] - 1
        pixels = self.pixels[number]
        reads = self._reads(block, number)
        fetches = starts and (self.blocks > 1 or row == 0)
        place = self._place(row, block, number, starts and (self.groups > 1 or fetches))
        hold = self._hold(row, block, number)
        releases = ends and (self.blocks > 1 or last_row)
        frees = self._frees(last_row, ends, fetches if self.frees_first else releases)
        first = starts and row == 0 and block == 0
        ends_row = ends and last_block
        return _Transfer(
            self.alike[block], pixels, reads, place, hold, fetches, frees, first, releases,
            ends_row, ends_row and last_row,
        )  # fmt: skip

    def _reads(self, block: int, number: int) -> tuple[tuple[Read, ...], ...]:
        if self.every_step_reads:
            steps = range(self.first_step[number], self.first_step[number] + self.steps[number])
            groups = range(self.groups)
            return tuple(tuple(self._read(step, group) for group in groups) for step in steps)
        if not self.nest.inputs.once:
            return ((self._read(number, 0),),)
        group, later = divmod(block, self.blocks_per_group)
        return () if later else ((self._read(number, group),),)

    def _read(self, row: int, column: int) -> Read:
        return Read(self.read_bytes[row, column], self.read_ages[row, column])

    def _place(self, row: int, block: int, number: int, loads: bool) -> int:
        """Place of a transfer's first load; -1 if it loads nothing."""
        first = self.places[row]
        if self.every_step_loads:
            before = row * self.per_row
            steps = min(self.per_row, self.pixel_steps - before)
            return first + (block * steps + self.first_step[number] - before) * self.groups
        return first + block * self.groups if loads and first >= 0 else -1

    def _frees(self, last_row: bool, ends: bool, single: bool) -> bool:
        """Whether a transfer's chunks are not read from the index buffer again.

        With one group the chunk is read once for many visits: `single` says if in this transfer.
        """
        reuse = self.nest.weights.reuse
        if self.groups == 1:
            return single and (reuse != "layer" or self.blocks == 1 or last_row)
        return ends and (reuse == "row" or last_row)

    def _hold(self, row: int, block: int, number: int) -> int:
        """Age of the write that must be done before the drain of the visit before can begin."""
        starts_block = number == self.starts[row] and block > 0
        before = self.starts[row + 1] - 1 if starts_block else number - 1
        return 3 if before >= 0 and self.steps[before] == 1 else 0

    def _transfer(self, transfer: _Transfer) -> Body:
        if transfer not in self._transfers:
            self._transfers[transfer] = self._visits_of(transfer)
        return self._transfers[transfer]

    def _visits_of(self, transfer: _Transfer) -> Body:
        """One transfer: its first, second and last visit, and those between, which are alike."""
        steps = -(-transfer.pixels // self.per_step)
        if self.every_step or steps < 5:
            return repeated([self._visit_in(transfer, number, steps) for number in range(steps)])
        first, second, between, last = (
            self._visit_in(transfer, number, steps) for number in (0, 1, 2, steps - 1)
        )
        return first + second + times(steps - 3, between) + last

    def _visit_in(self, transfer: _Transfer, inside: int, steps: int) -> Body:
        hold = 2 if inside == 1 else transfer.hold if inside == 0 else 0
        if self.every_step or not 0 < inside < steps - 1:
            return self._visit(self._visit_of(transfer, inside, inside == steps - 1, hold))
        inner = transfer.block, hold  # all that sets it apart
        if inner not in self._inner:
            self._inner[inner] = self._visit(
                Visit(transfer.block, self.per_step, fetches=self.groups > 1, hold=hold)
            )
        return self._inner[inner]

    def _visit(self, visit: Visit) -> Body:
        if visit not in self._visits:
            self._visits[visit] = self.commands.body(visit)
        return self._visits[visit]

    def _visit_of(self, transfer: _Transfer, inside: int, closes: bool, hold: int) -> Visit:
        """The visit `inside` a transfer."""
        opens = inside == 0
        if self.every_step_loads:
            place, frees = transfer.place + inside * self.groups, True
        else:
            place = transfer.place if opens else -1
            frees = transfer.frees and (opens if self.frees_first else closes)
        block, pixels, reads, _, _, fetches, _, first, releases, ends_row, ends_layer = transfer
        return Visit(
            block, min(self.per_step, pixels - inside * self.per_step),
            reads[inside] if inside < len(reads) else (), place,
            self.groups > 1 or (opens and fetches), frees, closes and releases, opens and first,
            hold, opens, closes, closes and ends_row,
            self._write_bytes(transfer) if closes else 0, closes and ends_layer,
        )  # fmt: skip

    def _write_bytes(self, transfer: _Transfer) -> int:
        values = transfer.pixels * self.plan.blocks[transfer.block].outputs
        return self.plan.in_bursts(-(-values * self.plan.activation_bits // 8))
