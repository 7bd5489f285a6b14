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


class _Rows:
    """Makes the bodies of rows, transfers and visits, and keeps them: equal ones are one object."""

    def __init__(self, nest: LayerNest, commands: VisitCommands) -> None:
        """Take what every visit asks for out of the plan, as plain numbers."""
        plan, transfers = nest.plan, nest.transfers
        self.plan, self.nest, self.commands = plan, nest, commands
        self.groups, self.blocks = len(plan.group_units), len(plan.blocks)
        self.per_row, self.pixel_steps = plan.steps_per_row, plan.pixel_steps
        self.starts = transfers.row_starts.tolist()
        self.steps: list[int] = transfers.steps.tolist()
        self.pixels: list[int] = transfers.pixels.tolist()
        self.first_step = (transfers.first_pixel // plan.pixels_per_step).tolist()
        self.rows = len(self.starts) - 1
        self.alike = plan.alike_blocks
        self.reads = Read.table(nest.inputs)
        self.every_step_reads = nest.inputs.reuse == "step"
        self.every_step_loads = nest.weights.reuse == "step" and self.groups > 1
        self._rows: dict[bytes, Body] = {}
        self._bodies: dict[Visit, Body] = {}

    def body(self) -> Body:
        """All rows, image by image."""
        rows = [self._row(number, sign) for number, sign in enumerate(self._signatures())]
        images = self.plan.batch * self.plan.layer.images
        length = self.rows // images if self.rows % images == 0 else self.rows
        return repeated([repeated(rows[k : k + length]) for k in range(0, self.rows, length)])

    def _signatures(self) -> list[bytes]:
        """What sets each row apart from others."""
        inputs, transfers, weights = self.nest.inputs, self.nest.transfers, self.nest.weights
        if self.every_step_reads:
            ends = range(0, self.pixel_steps, self.per_row)
            parts = [inputs.bytes[k : k + self.per_row] for k in ends]
        else:
            whole = np.stack((inputs.bytes, inputs.age, transfers.pixels), axis=1)
            parts = [whole[self.starts[k] : self.starts[k + 1]] for k in range(self.rows)]
        return [
            b"%d %d %d " % (row == 0, row == self.rows - 1, weights.first_place(row))
            + part.tobytes()
            for row, part in enumerate(parts)
        ]

    def _row(self, row: int, signature: bytes) -> Body:
        if signature not in self._rows:
            blocks = [self._block(row, block) for block in range(self.blocks)]
            self._rows[signature] = repeated(blocks)
        return self._rows[signature]

    def _block(self, row: int, block: int) -> Body:
        """One block of output channels along a row: its transfers, equal neighbours made once."""
        first, behind = self.starts[row], self.starts[row + 1]
        bodies: list[Body] = []
        before = None
        for number in range(first, behind):
            inner = first + 1 < number < behind - 1 and not self.every_step_loads
            alike = (self.reads[number], self.pixels[number]) if inner else None
            if alike is None or alike != before:
                bodies.append(self._transfer(row, block, number))
            else:
                bodies.append(bodies[-1])
            before = alike if not self.every_step_reads else None
        return repeated(bodies)

    def _transfer(self, row: int, block: int, number: int) -> Body:
        """One transfer: its first, second and last visit, and those between, which are alike."""
        steps = self.steps[number]
        differ = self.every_step_reads or self.every_step_loads
        visits = range(steps) if differ or steps < 5 else (0, 1, 2, steps - 1)
        bodies = [self._visit(self._visit_of(row, block, number, k)) for k in visits]
        if len(bodies) == steps:
            return repeated(bodies)
        first, second, between, last = bodies
        return first + second + times(steps - 3, between) + last

    def _visit(self, visit: Visit) -> Body:
        if visit not in self._bodies:
            self._bodies[visit] = self.commands.body(visit)
        return self._bodies[visit]

    def _visit_of(self, row: int, block: int, number: int, inside: int) -> Visit:
        """The visit `inside` transfer `number`."""
        plan = self.plan
        last_row, last_block = row == self.rows - 1, block == self.blocks - 1
        pixel_step = self.first_step[number] + inside
        closes = inside == self.steps[number] - 1
        starts_row = number == self.starts[row] and not inside
        ends_row = number == self.starts[row + 1] - 1 and closes
        fetches = self.groups > 1 or (starts_row and (self.blocks > 1 or row == 0))
        releases = ends_row and (self.blocks > 1 or last_row)
        return Visit(
            block=self.alike[block],
            pixels=min(plan.pixels_per_step, plan.pixels - pixel_step * plan.pixels_per_step),
            reads=self._reads(block, number, inside, pixel_step),
            place=self._place(row, block, pixel_step, starts_row and fetches),
            fetches=fetches,
            frees=self._frees(last_row, ends_row, releases if plan.mode == "mac" else fetches),
            releases=releases,
            first=starts_row and row == 0 and block == 0,
            hold=self._hold(row, block, number, inside),
            opens=inside == 0,
            closes=closes,
            ends_row=ends_row and last_block,
            write=self._write_bytes(block, number) if closes else 0,
            ends_layer=last_row and ends_row and last_block,
        )

    def _reads(self, block: int, number: int, inside: int, pixel_step: int) -> tuple[Read, ...]:
        if self.every_step_reads:
            return self.reads[pixel_step]
        if inside or (self.nest.inputs.once and block):
            return ()
        return self.reads[number]

    def _place(self, row: int, block: int, pixel_step: int, starts: bool) -> int:
        """Place of a visit's first load; -1 if it loads nothing."""
        first = self.nest.weights.first_place(row)
        if self.every_step_loads:
            before = row * self.per_row
            steps = min(self.per_row, self.pixel_steps - before)
            return first + (block * steps + pixel_step - before) * self.groups
        return first + block * self.groups if starts and first >= 0 else -1

    def _frees(self, last_row: bool, ends_row: bool, single: bool) -> bool:
        """Whether a visit's chunks are not read from the index buffer again.

        With one group the chunk is read once for many visits: `single` says if in this one.
        """
        reuse = self.nest.weights.reuse
        if self.groups == 1:
            return single and (reuse != "layer" or self.blocks == 1 or last_row)
        return reuse == "step" or (ends_row and (reuse == "row" or last_row))

    def _hold(self, row: int, block: int, number: int, inside: int) -> int:
        """Age of the write that must be done before the drain of the visit before can begin."""
        if inside:
            return 2 if inside == 1 else 0
        starts_block = number == self.starts[row] and block > 0
        before = self.starts[row + 1] - 1 if starts_block else number - 1
        return 3 if before >= 0 and self.steps[before] == 1 else 0

    def _write_bytes(self, block: int, number: int) -> int:
        values = self.pixels[number] * self.plan.blocks[block].outputs
        size = -(-values * self.plan.activation_bits // 8)
        burst = self.plan.hardware.memory.dram.burst_bytes
        return -(-size // burst) * burst
