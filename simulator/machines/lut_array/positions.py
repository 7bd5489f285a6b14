"""The position of a step: its row, output block, input block and first output pixel."""

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan


class Positions:
    """Positions of a layer's steps, by the order of steps in docs/machine.md."""

    def __init__(self, plan: LayerPlan) -> None:
        """Take the loops of a planned layer."""
        self.plan = plan
        self.input_blocks, self.output_blocks = len(plan.group_units), len(plan.blocks)
        self.row_steps = plan.steps_per_row
        full_rows = plan.pixel_steps // self.row_steps
        self.full_tiles = full_rows * self.row_steps * self.output_blocks
        """Output tiles in full rows; the last row may be shorter."""

    def tile(self, step: Ints) -> tuple[Ints, Ints, Ints]:
        """(row, output block, pixel step within the row) of steps."""
        tile = step // self.input_blocks
        row = np.minimum(tile, self.full_tiles) // (self.row_steps * self.output_blocks)
        last_row_steps = max(1, self.plan.pixel_steps % self.row_steps)
        steps = np.where(tile < self.full_tiles, self.row_steps, last_row_steps)
        within_row = tile - row * self.row_steps * self.output_blocks
        return row, within_row // steps, within_row % steps

    def weight_tile(self, step: Ints) -> Ints:
        """Number of the weight tile that steps use: output block by output block."""
        _, block, _ = self.tile(step)
        number: Ints = block * self.input_blocks + step % self.input_blocks
        return number

    def pixel(self, row: Ints, pixel_step: Ints) -> tuple[Ints, Ints, Ints]:
        """(image, row, column) of the first output pixel of a pixel step of a row."""
        layer = self.plan.layer
        first = (row * self.row_steps + pixel_step) * self.plan.pixels_per_step
        image, rest = np.divmod(first, layer.out_height * layer.out_width)
        out_row, column = np.divmod(rest, layer.out_width)
        return image, out_row, column

    def first_channel(self, block: Ints) -> Ints:
        """First input channel of an output block's convolution group."""
        layer = self.plan.layer
        group = block // (self.output_blocks // layer.groups)
        first: Ints = group * (layer.in_channels // layer.groups)
        return first
