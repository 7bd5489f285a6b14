"""A layer's loop nest as arrays, written independently of the mapper's loops.

    for row of output pixels: for block of output channels: for pixel step in row:
        for group of input channels: for pass over the subset

A *tile* is an output tile: a (row, block, pixel step). Its sums stay in the partial-sum buffer
from its first group to its drain. A step is one group of a tile. A *transfer* is a run of tiles
in one row and block that share an input transfer and an output transfer.
"""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan


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
    """[V] row of output."""
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
    per_row = plan.steps_per_row
    whole = plan.pixel_steps // per_row * per_row
    pixel_step, block = (
        np.concatenate(parts)
        for parts in zip(
            _rows(np.arange(whole), per_row, len(plan.blocks)),
            _rows(np.arange(whole, plan.pixel_steps), per_row, len(plan.blocks)),
            strict=True,
        )
    )
    row, piece = pixel_step // per_row, pixel_step % per_row // plan.steps_per_transfer
    pieces = -(-per_row // plan.steps_per_transfer)
    identity = (row * len(plan.blocks) + block) * pieces + piece
    return Nest(
        groups=len(plan.group_units),
        passes=len(plan.pass_entries) if plan.mode == "lut" else 1,
        pixel_step=pixel_step,
        block=block,
        row=row,
        transfer=np.cumsum(np.diff(identity, prepend=-1) != 0) - 1,
        pixels=np.minimum(plan.pixels_per_step, plan.pixels - pixel_step * plan.pixels_per_step),
    )


def _rows(pixel_steps: Ints, per_row: int, blocks: int) -> tuple[Ints, Ints]:
    """Pixel steps and blocks of the tiles in whole rows, or in one shorter last row."""
    width = min(per_row, max(1, len(pixel_steps)))
    shape = (len(pixel_steps) // width, blocks, width)
    steps = np.broadcast_to(pixel_steps.reshape(-1, 1, width), shape)
    return steps.ravel(), np.broadcast_to(np.arange(blocks)[None, :, None], shape).ravel()
