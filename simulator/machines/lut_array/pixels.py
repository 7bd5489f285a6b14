"""A layer's rows of pixel steps, cut into transfers.

A pixel step is a set of output pixels that the array works on at once. A row has as many pixel
steps as cover one row of output of the images of a block; the last row of a block may have fewer. A
transfer is a run of pixel steps of one row; their outputs leave together.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan


def row_count(plan: LayerPlan) -> int:
    """Number of rows in the batch."""
    return len(plan.row_starts) - 1


def row_bounds(plan: LayerPlan) -> Ints:
    """[rows + 1] output pixels before each row, and after the last."""
    bounds: Ints = np.minimum(plan.row_starts * plan.pixels_per_step, plan.pixels)
    return bounds


def step_bounds(plan: LayerPlan) -> Ints:
    """[rows, pixel steps + 1] output pixels before each pixel step of a row, and after the last.

    Pixel steps past the end of a shorter row have no pixels.
    """
    return _bounds(plan, np.arange(plan.steps_per_row + 1))


def transfer_bounds(plan: LayerPlan) -> Ints:
    """[rows, transfers + 1] output pixels before each transfer of a row, and after the last."""
    return _bounds(plan, plan.transfer_cuts)


def _bounds(plan: LayerPlan, cuts: Ints) -> Ints:
    """[rows, cuts] output pixels before each cut of a row, in pixel steps from its start."""
    first, end = plan.row_starts[:-1, np.newaxis], plan.row_starts[1:, np.newaxis]
    bounds: Ints = np.minimum(np.minimum(first + cuts, end) * plan.pixels_per_step, plan.pixels)
    return bounds


def step_pixels(plan: LayerPlan, pixels: int) -> tuple[int, ...]:
    """Output pixels of each pixel step of a row of `pixels` pixels."""
    whole, rest = divmod(pixels, plan.pixels_per_step)
    return (plan.pixels_per_step,) * whole + ((rest,) if rest else ())


def transfers_of(plan: LayerPlan, steps: int) -> list[slice]:
    """Pixel steps of each transfer of a row of `steps` pixel steps."""
    cuts = pairwise(plan.transfer_cuts.tolist())
    return [slice(first, min(end, steps)) for first, end in cuts if first < steps]


def wide_maps(plan: LayerPlan) -> Iterator[range]:
    """Yield the rows of each wide map; of an image block if its rows do not divide into maps."""
    first_pixels = np.cumsum([0, *plan.image_blocks]) * plan.layer.out_pixels
    firsts = np.searchsorted(plan.row_starts, -(-first_pixels // plan.pixels_per_step))
    for first, end in pairwise(firsts.tolist()):
        maps, rest = plan.layer.images, (end - first) % plan.layer.images
        width = (end - first) if rest or first == end else (end - first) // maps
        yield from (range(at, at + width) for at in range(first, end, width or 1))
