"""The order of a layer's output pixels: image block, row, image, column."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints
from simulator.workload import Layer


class Pixels(NamedTuple):
    """Coordinates of output pixels. A layer may have several maps per image of the network.

    A *wide map* is the same map of all images of a block, side by side.
    """

    map: Ints
    """Number of the map in DRAM, where the maps of an image are adjacent."""
    row: Ints
    column: Ints
    """Column in the map."""
    maps: Ints
    """Maps of the wide map."""
    earlier_maps: Ints
    """Maps of all earlier wide maps."""
    left_maps: Ints
    """Maps of the wide map to the left of the pixel's map."""


class PixelOrder:
    """Numbers of output pixels in the order of time."""

    def __init__(self, layer: Layer, image_blocks: Sequence[int]) -> None:
        """Lay the images of each block side by side, one wide map after another."""
        self.layer = layer
        self.images = np.array(image_blocks)
        self.first_image = np.cumsum(self.images) - self.images
        self.first_pixel = self.first_image * layer.out_pixels

    def pixels(self, number: Ints) -> Pixels:
        """Coordinates of the pixels with these numbers."""
        layer = self.layer
        block = np.searchsorted(self.first_pixel, number, side="right") - 1
        images, first_image = self.images[block], self.first_image[block]
        line, column = np.divmod(number - self.first_pixel[block], images * layer.out_width)
        (map_, row), (image, column) = (
            np.divmod(line, layer.out_height),
            np.divmod(column, layer.out_width),
        )
        return Pixels(
            map=(first_image + image) * layer.images + map_,
            row=row,
            column=column,
            maps=images,
            earlier_maps=first_image * layer.images + map_ * images,
            left_maps=image,
        )
