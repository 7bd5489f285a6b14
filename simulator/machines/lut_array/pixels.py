"""The order of a layer's output pixels: rows of pixel steps, cut into transfers.

A pixel step is a set of output pixels that the array works on at once. A row has as many pixel
steps as cover one row of output; the last row may have fewer. A transfer is a run of pixel steps of
one row; their outputs leave together.
"""

from math import ceil

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan


def row_count(plan: LayerPlan) -> int:
    """Number of rows in the batch."""
    return ceil(plan.pixel_steps / plan.steps_per_row)


def rows_per_image(plan: LayerPlan) -> int:
    """Number of rows in an image; all rows if they do not divide into images."""
    rows, images = row_count(plan), plan.batch * plan.layer.images
    return rows // images if rows % images == 0 else rows


def step_bounds(plan: LayerPlan) -> Ints:
    """[rows, pixel steps + 1] output pixels before each pixel step of a row, and after the last.

    Pixel steps past the end of a shorter last row have no pixels.
    """
    first = np.arange(row_count(plan))[:, np.newaxis] * plan.steps_per_row
    steps = first + np.arange(plan.steps_per_row + 1)
    bounds: Ints = np.minimum(steps * plan.pixels_per_step, plan.pixels)
    return bounds


def transfer_bounds(plan: LayerPlan) -> Ints:
    """[rows, transfers + 1] output pixels before each transfer of a row, and after the last."""
    first = np.arange(row_count(plan))[:, np.newaxis] * plan.steps_per_row
    cuts = [*range(0, plan.steps_per_row, plan.steps_per_transfer), plan.steps_per_row]
    bounds: Ints = np.minimum((first + np.array(cuts)) * plan.pixels_per_step, plan.pixels)
    return bounds


def row_pixels(plan: LayerPlan, row: int) -> tuple[int, ...]:
    """Output pixels of each pixel step of a row."""
    per_row = plan.steps_per_row * plan.pixels_per_step
    whole, rest = divmod(min(per_row, plan.pixels - row * per_row), plan.pixels_per_step)
    return (plan.pixels_per_step,) * whole + ((rest,) if rest else ())
