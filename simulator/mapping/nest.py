"""A layer's loop nest.

    for row of output pixels: for block of output channels: for pixel step in row:
        for group of input channels: for pass over the subset

Rows, transfers and visits that do the same become loops.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from simulator.loops import Body, LayerLoops, repeated, times
from simulator.mapping.builder import Builder
from simulator.mapping.inputs import InputReads, plan_inputs
from simulator.mapping.plan import LayerPlan
from simulator.mapping.transfers import Transfers, transfers_of
from simulator.mapping.visits import Read, Visit, VisitCommands
from simulator.mapping.weights import WeightLoads, plan_weights


@dataclass
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


@dataclass
class _Rows:
    """Makes the bodies of rows and keeps them, so that equal rows are one object."""

    nest: LayerNest
    commands: VisitCommands
    _rows: dict[bytes, Body] = field(default_factory=dict)
    _visits: dict[Visit, Body] = field(default_factory=dict)

    def body(self) -> Body:
        """All rows, image by image."""
        plan = self.nest.plan
        signs = self._signatures()
        count = len(signs)
        rows = [self._row(number, sign) for number, sign in enumerate(signs)]
        images = plan.batch * plan.layer.images
        length = count // images if count % images == 0 else count
        return repeated([repeated(rows[k : k + length]) for k in range(0, count, length)])

    def _signatures(self) -> list[bytes]:
        """What sets each row apart from others."""
        nest = self.nest
        starts, inputs = nest.transfers.row_starts, nest.inputs
        count = len(starts) - 1
        if inputs.reuse == "step":
            per_row = nest.plan.steps_per_row
            parts = [
                inputs.bytes[k : k + per_row] for k in range(0, nest.plan.pixel_steps, per_row)
            ]
        else:
            whole = np.stack((inputs.bytes, inputs.age, nest.transfers.pixels), axis=1)
            parts = [whole[starts[row] : starts[row + 1]] for row in range(count)]
        return [
            b"%d %d %d " % (row == 0, row == count - 1, nest.weights.first_place(row))
            + part.tobytes()
            for row, part in enumerate(parts)
        ]

    def _row(self, row: int, signature: bytes) -> Body:
        if signature not in self._rows:
            blocks = [self._block(row, block) for block in range(len(self.nest.plan.blocks))]
            self._rows[signature] = repeated(blocks)
        return self._rows[signature]

    def _block(self, row: int, block: int) -> Body:
        """One block of output channels along a row: its transfers."""
        starts = self.nest.transfers.row_starts
        numbers = range(int(starts[row]), int(starts[row + 1]))
        return repeated([self._transfer(row, block, number, numbers) for number in numbers])

    def _transfer(self, row: int, block: int, number: int, numbers: range) -> Body:
        """One transfer: its first, second and last visit, and those between, which are alike."""
        steps = int(self.nest.transfers.steps[number])
        visits = range(steps) if self._all_differ or steps < 5 else (0, 1, 2, steps - 1)
        bodies = [self._visit(self._visit_of(row, block, number, numbers, k)) for k in visits]
        if len(bodies) == steps:
            return repeated(bodies)
        first, second, between, last = bodies
        return first + second + times(steps - 3, between) + last

    @property
    def _all_differ(self) -> bool:
        """Whether every visit has reads or loads of its own."""
        several = len(self.nest.plan.group_units) > 1
        return self.nest.inputs.reuse == "step" or (self.nest.weights.reuse == "step" and several)

    def _visit(self, visit: Visit) -> Body:
        if visit not in self._visits:
            self._visits[visit] = self.commands.body(visit)
        return self._visits[visit]

    def _visit_of(self, row: int, block: int, number: int, numbers: range, inside: int) -> Visit:
        """The visit `inside` a transfer, one of the row's `numbers`."""
        plan, transfers = self.nest.plan, self.nest.transfers
        groups, blocks = len(plan.group_units), len(plan.blocks)
        last_row = row == len(transfers.row_starts) - 2
        pixel_step = int(transfers.first_pixel[number]) // plan.pixels_per_step + inside
        closes = inside == transfers.steps[number] - 1
        starts_row, ends_row = number == numbers[0] and not inside, number == numbers[-1] and closes
        fetches = groups > 1 or (starts_row and (blocks > 1 or row == 0))
        releases = ends_row and (blocks > 1 or last_row)
        return Visit(
            block=block,
            pixels=min(plan.pixels_per_step, plan.pixels - pixel_step * plan.pixels_per_step),
            reads=self._reads(block, number, inside, pixel_step),
            place=self._place(row, block, pixel_step, starts_row and fetches),
            fetches=fetches,
            frees=self._frees(last_row, ends_row, releases if plan.mode == "mac" else fetches),
            releases=releases,
            first=starts_row and row == 0 and block == 0,
            hold=self._hold(block, number, numbers, inside),
            opens=inside == 0,
            closes=closes,
            ends_row=ends_row and block == blocks - 1,
            write=self._write_bytes(block, number) if closes else 0,
            ends_layer=last_row and ends_row and block == blocks - 1,
        )

    def _reads(self, block: int, number: int, inside: int, pixel_step: int) -> tuple[Read, ...]:
        inputs = self.nest.inputs
        if inputs.reuse == "step":
            pairs = zip(
                inputs.bytes[pixel_step].tolist(), inputs.age[pixel_step].tolist(), strict=True
            )
            return tuple(Read(*pair) for pair in pairs)
        if inside or (inputs.once and block):
            return ()
        return (Read(int(inputs.bytes[number]), int(inputs.age[number])),)

    def _place(self, row: int, block: int, pixel_step: int, starts: bool) -> int:
        """Place of a visit's first load; -1 if it loads nothing."""
        plan, weights = self.nest.plan, self.nest.weights
        groups, first = len(plan.group_units), weights.first_place(row)
        if weights.reuse == "step" and groups > 1:
            before = row * plan.steps_per_row
            steps = min(plan.steps_per_row, plan.pixel_steps - before)
            return first + (block * steps + pixel_step - before) * groups
        return first + block * groups if starts and first >= 0 else -1

    def _frees(self, last_row: bool, ends_row: bool, single: bool) -> bool:
        """Whether a visit's chunks are not read from the index buffer again.

        With one group the chunk is read once for many visits: `single` says if in this one.
        """
        reuse, blocks = self.nest.weights.reuse, len(self.nest.plan.blocks)
        if len(self.nest.plan.group_units) == 1:
            return single and (reuse != "layer" or blocks == 1 or last_row)
        return reuse == "step" or (ends_row and (reuse == "row" or last_row))

    def _hold(self, block: int, number: int, numbers: range, inside: int) -> int:
        """Age of the write that must be done before the drain of the visit before can begin."""
        if inside:
            return 2 if inside == 1 else 0
        before = numbers[-1] if number == numbers[0] and block else number - 1
        return 3 if before >= 0 and self.nest.transfers.steps[before] == 1 else 0

    def _write_bytes(self, block: int, number: int) -> int:
        plan = self.nest.plan
        values = int(self.nest.transfers.pixels[number]) * plan.blocks[block].outputs
        size = -(-values * plan.activation_bits // 8)
        burst = plan.hardware.memory.dram.burst_bytes
        return -(-size // burst) * burst
