"""Loads of indices, kernels and weights into the index buffer, a ring across all layers.

Three ways, from the most reuse to the least; the first that fits is taken:

- `layer`: the whole layer is held, every chunk is loaded once.
- `row`: a block's chunks are held while a row of output passes; loaded again for every row.
- `step`: a chunk is loaded for every index fetch.

A load waits until the ring has room: until the newest chunk that must leave has been used for the
last time. Nothing else holds it back, so the next layer's weights are prefetched.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.columns import Ints
from simulator.errors import InputError
from simulator.hardware import Hardware
from simulator.machines.lut_array.plan import LayerPlan, WeightReuse


@dataclass(frozen=True, eq=False)
class WeightLoads:
    """When a layer's chunks are loaded, and the place of each load in the layer's `room_ages`.

    After a few rows of output every row loads the same chunks into the same state of the ring;
    the last of the `distinct` full rows stands for them. A shorter last row has places of its own.
    """

    plan: LayerPlan
    reuse: WeightReuse

    @property
    def full_rows(self) -> int:
        """Rows of output with all their pixel steps."""
        return self.plan.pixel_steps // self.plan.steps_per_row

    @cached_property
    def distinct(self) -> int:
        """Full rows whose loads may find the ring in another state than the row before."""
        if self.reuse == "layer":
            return 1
        row_bytes = int(self._row(self.plan.steps_per_row).sum())
        return min(self.full_rows, room_of(self.plan.hardware) // row_bytes + 3)

    @property
    def row_loads(self) -> int:
        """Loads of a full row; 0 where the layer is loaded once."""
        return 0 if self.reuse == "layer" else len(self._row(self.plan.steps_per_row))

    @cached_property
    def bytes(self) -> Ints:
        """[places] bytes that each load takes up; the first brings the subset too."""
        sizes = self._later()
        sizes[0] += self.plan.subset_bytes
        return sizes

    @cached_property
    def last_bytes(self) -> Ints:
        """Bytes of the layer's last loads, enough to fill the ring if there are so many."""
        whole = self.reuse == "layer" or self.distinct >= self.full_rows
        return self.bytes if whole else self._later()

    @cached_property
    def released_before(self) -> Ints:
        """[places] chunks of this layer that are not read again when the load begins."""
        number = np.arange(len(self.bytes))
        steps, rest = self.plan.steps_per_row, self.plan.pixel_steps % self.plan.steps_per_row
        if self.reuse == "layer":
            return (
                self._released(number, rest or steps)
                if self.full_rows + (rest > 0) == 1
                else 0 * number
            )
        full = self.distinct * len(self._row(steps))
        return np.concatenate(
            (self._released(number[:full], steps), self._released(number[full:], rest))
        )

    def _released(self, number: Ints, steps: int) -> Ints:
        """Of loads in rows of `steps` pixel steps: a block's chunks are held along its row."""
        groups = len(self.plan.group_units)
        held = self.reuse != "step" and steps > 1
        return number // groups * groups if held else number

    def _row(self, steps: int) -> Ints:
        """[loads] bytes of the loads of a row of `steps` pixel steps."""
        chunks = self.plan.stored_table
        if self.reuse == "step" and len(self.plan.group_units) > 1:
            chunks = np.repeat(chunks, steps, axis=0)
        return chunks.flatten()

    def _later(self) -> Ints:
        """[places] bytes of the chunks alone."""
        if self.reuse == "layer":
            return self._row(1)
        rest = self.plan.pixel_steps % self.plan.steps_per_row
        full = np.tile(self._row(self.plan.steps_per_row), self.distinct)
        return np.concatenate((full, self._row(rest))) if rest else full


def plan_weights(plan: LayerPlan) -> WeightLoads:
    """Choose how often a layer's weights are loaded.

    Raises:
        InputError: not even one chunk fits.

    """
    room = room_of(plan.hardware)
    if plan.weight_bytes + plan.subset_bytes <= room:
        return WeightLoads(plan, "layer")
    if plan.largest_block_bytes <= room:
        return WeightLoads(plan, "row")
    if plan.largest_chunk_bytes <= room:
        return WeightLoads(plan, "step")
    need = -(-100 * plan.largest_chunk_bytes // 1024) / 100
    raise InputError(
        f"memory.index_buffer.kib is {plan.hardware.memory.index_buffer.kib:g}: layer "
        f"{plan.layer.name} needs at least {need:g} KiB, for the weights of one output block "
        "and one input block"
    )


def room_of(hardware: Hardware) -> int:
    """Bytes of the index buffer."""
    return int(hardware.memory.index_buffer.kib * 1024)
