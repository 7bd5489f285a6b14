"""The image blocks of a layer: the images of a batch whose rows the array processes together.

A weight tile that does not stay for the layer comes again for every row. A row of an image block is
the same row of output of all its images, side by side. The weights therefore come as often for a
block as for one image.
"""

from collections.abc import Iterator
from dataclasses import replace

from simulator.machines.lut_array.buffering import rows_fit
from simulator.machines.lut_array.parts import parts
from simulator.machines.lut_array.plan import LayerPlan


def image_blocks_of(plan: LayerPlan) -> tuple[int, ...]:
    """Return the images of each image block: the fewest blocks with which scheme `rows` fits.

    Their sizes differ by at most one image. Without such a block, every image is a block.

    Args:
        plan: the layer; its own image blocks do not matter.

    """
    fitting = (most for most in _sizes(plan.batch) if most == 1 or _fits(plan, most))
    return parts(plan.batch, next(fitting))


def _sizes(batch: int) -> Iterator[int]:
    """Sizes of the largest block if 1, 2, 3, and more blocks hold the batch, down to 1 image."""
    yield from sorted({-(-batch // blocks) for blocks in range(1, batch + 1)}, reverse=True)


def _fits(plan: LayerPlan, most: int) -> bool:
    """True if the rows of blocks of `most` images fit, also if another block follows.

    A longer batch therefore never has smaller blocks.
    """
    two = replace(plan, batch=2 * most, image_blocks=(most, most))
    return rows_fit(two) and rows_fit(replace(plan, image_blocks=parts(plan.batch, most)))
