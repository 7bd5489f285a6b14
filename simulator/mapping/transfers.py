"""How a layer's output pixels are cut: rows of pixel steps, and transfers within a row.

A *pixel step* is what the array works on at once. A *transfer* is a run of pixel steps of one row
whose inputs come in, and whose outputs go out, together. Blocks and groups do not matter here.
"""

from dataclasses import dataclass

import numpy as np

from simulator.mapping.plan import LayerPlan
from simulator.program import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transfers:
    """T transfers in raster order."""

    row: Ints
    """[T] which row of output; rows have `per_row` pixel steps, the last may have fewer."""
    steps: Ints
    """[T] pixel steps in each."""
    pixels: Ints
    """[T] output pixels in each."""
    first_pixel: Ints
    """[T] first output pixel."""
    last_pixel: Ints
    """[T] last output pixel."""
    row_first_pixel: Ints
    """[rows] first output pixel of each row."""
    row_starts: Ints
    """[rows + 1] row r has the transfers row_starts[r]:row_starts[r + 1]."""


def transfers_of(plan: LayerPlan) -> Transfers:
    """Cut a planned layer's pixels."""
    per_row, per_transfer = plan.steps_per_row, plan.steps_per_transfer
    rows = -(-plan.pixel_steps // per_row)
    pieces = -(-per_row // per_transfer)
    row_begins = np.arange(rows) * per_row
    first = (row_begins[:, None] + np.arange(0, per_row, per_transfer)).ravel()
    row = np.repeat(np.arange(rows), pieces)
    if plan.pixel_steps % per_row:  # the last row is shorter
        kept = int(np.searchsorted(first, plan.pixel_steps))
        first, row = first[:kept], row[:kept]
    behind = np.minimum(first + per_transfer, np.minimum((row + 1) * per_row, plan.pixel_steps))
    first_pixel = first * plan.pixels_per_step
    last_pixel = np.minimum(behind * plan.pixels_per_step, plan.pixels) - 1
    return Transfers(
        row=row,
        steps=behind - first,
        pixels=last_pixel - first_pixel + 1,
        first_pixel=first_pixel,
        last_pixel=last_pixel,
        row_first_pixel=row_begins * plan.pixels_per_step,
        row_starts=np.minimum(np.arange(rows + 1) * pieces, len(row)),
    )
