"""A layer's loop nest as arrays, written independently of the mapper's loops.

    for row of pixel steps: for block of output channels: for pixel step in row:
        for group of input channels: for pass over the subset

A *tile* is an output tile: a (row, block, pixel step). Its sums stay in the partial-sum buffer
from its first group to its drain. A step is one group of a tile. A *transfer* is a run of tiles
in one row and block that share an input transfer and an output transfer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan
from simulator.workload import Layer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nest:
    """V tiles in order of time; step s is group s % G of tile s // G."""

    groups: int
    """Number G of groups."""
    passes: int
    """LUT passes over the subset in every step."""
    pixel_step: Ints
    """[V] number of the tile's pixel step."""
    block: Ints
    """[V] number of the tile's block of output channels."""
    row: Ints
    """[V] row."""
    transfer: Ints
    """[V] number of the transfer, counted up from 0."""
    pixels: Ints
    """[V] number of the tile's output pixels."""

    @property
    def tiles(self) -> int:
        """Number V of tiles."""
        return len(self.block)

    @property
    def steps(self) -> int:
        """Number V * G of steps."""
        return self.tiles * self.groups

    def first_order(self, steps: Ints) -> Ints:
        """Position of each step's first pass in the layer's sequence of passes."""
        return steps * self.passes

    def first_tiles(self) -> Ints:
        """[transfers] first tile of each transfer."""
        return np.flatnonzero(np.diff(self.transfer, prepend=-1))

    def last_tiles(self) -> Ints:
        """[transfers] last tile of each transfer."""
        return np.append(self.first_tiles()[1:], self.tiles) - 1

    def fetching_steps(self) -> Ints:
        """Steps whose block or group differs from the previous step's."""
        if self.groups > 1:
            return np.arange(self.steps)
        return np.flatnonzero(np.diff(self.block, prepend=-1))


def nest_of(plan: LayerPlan) -> Nest:
    """Lay out the loop nest of a planned layer."""
    number, blocks = np.arange(plan.pixel_steps), len(plan.blocks)
    rows = rows_of(plan)
    order = np.concatenate([np.tile(number[rows == row], blocks) for row in range(rows[-1] + 1)])
    block = np.concatenate(
        [np.repeat(np.arange(blocks), np.sum(rows == row)) for row in range(rows[-1] + 1)]
    )
    row = rows[order]
    in_row = order - np.searchsorted(rows, row)
    image, rest = np.divmod(in_row * plan.pixels_per_step, plan.layer.out_width)
    if plan.layer.out_width % plan.pixels_per_step or plan.layer.out_pixels == 1:
        image, rest = np.zeros_like(image), in_row * plan.pixels_per_step
    piece = rest // (plan.steps_per_transfer * plan.pixels_per_step)
    identity = np.stack((row, block, image, piece))
    starts = np.any(np.diff(identity, prepend=-1) != 0, axis=0)
    return Nest(
        groups=len(plan.group_units),
        passes=len(plan.pass_entries) if plan.mode == "lut" else 1,
        pixel_step=order,
        block=block,
        row=row,
        transfer=np.cumsum(starts) - 1,
        pixels=np.minimum(plan.pixels_per_step, plan.pixels - order * plan.pixels_per_step),
    )


def rows_of(plan: LayerPlan) -> Ints:
    """[pixel steps] row of each pixel step: of the image block of its first pixel."""
    rows: list[int] = []
    first = 0
    for images in plan.image_blocks:
        end = first + images * plan.layer.out_pixels
        steps = sum(first <= pixel < end for pixel in range(0, end, plan.pixels_per_step))
        width = -(-images * plan.layer.out_width // plan.pixels_per_step)
        new = rows[-1] + 1 if rows else 0
        rows += [new + step // width for step in range(steps)]
        first = end
    return np.array(rows)


def pixels_in_order(one: Layer, image_blocks: Sequence[int]) -> list[tuple[int, int, int]]:
    """(map in DRAM, row, column) of the output pixels in the order of time."""
    found, first = [], 0
    for images in image_blocks:
        found += [
            (image * one.images + number, row, column)
            for number in range(one.images)
            for row in range(one.out_height)
            for image in range(first, first + images)
            for column in range(one.out_width)
        ]
        first += images
    return found
