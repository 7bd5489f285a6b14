"""The position of a step: its row, output block, input block and first output pixel."""

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.pixel_order import PixelOrder
from simulator.machines.lut_array.plan import LayerPlan


class Positions:
    """Positions of a layer's steps, by the order of steps in docs/machine.md."""

    def __init__(self, plan: LayerPlan) -> None:
        """Take the loops of a planned layer."""
        self.plan = plan
        self.input_blocks, self.output_blocks = len(plan.group_units), len(plan.blocks)
        self.order = PixelOrder(plan.layer, plan.image_blocks)

    def tile(self, step: Ints) -> tuple[Ints, Ints, Ints]:
        """(row, output block, pixel step within the row) of steps."""
        tile, starts = step // self.input_blocks, self.plan.row_starts
        row = np.searchsorted(starts * self.output_blocks, tile, side="right") - 1
        within_row = tile - starts[row] * self.output_blocks
        steps = np.diff(starts)[row]
        return row, within_row // steps, within_row % steps

    def weight_tile(self, step: Ints) -> Ints:
        """Number of the weight tile that steps use: output block by output block."""
        _, block, _ = self.tile(step)
        number: Ints = block * self.input_blocks + step % self.input_blocks
        return number

    def pixel(self, row: Ints, pixel_step: Ints) -> tuple[Ints, Ints, Ints]:
        """(map in DRAM, row, column) of the first output pixel of a pixel step of a row."""
        first = (self.plan.row_starts[row] + pixel_step) * self.plan.pixels_per_step
        at = self.order.pixels(first)
        return at.map, at.row, at.column

    def first_channel(self, block: Ints) -> Ints:
        """First input channel of an output block's convolution group."""
        layer = self.plan.layer
        group = block // (self.output_blocks // layer.groups)
        first: Ints = group * (layer.in_channels // layer.groups)
        return first
