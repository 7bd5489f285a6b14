"""Input pixels under a batch's output pixels 0, 1, 2, and so on, in raster order."""

from functools import cached_property

import numpy as np

from simulator.base.columns import Ints
from simulator.workload import Layer


class Window:
    """Rows and columns of the input under each row and column of the output of an image."""

    def __init__(self, layer: Layer) -> None:
        """Lay the kernels of a layer over its input."""
        self.out_height, self.out_width = layer.out_height, layer.out_width
        height, width, extents = layer.in_height, layer.in_width, layer.extents
        tops = np.arange(layer.out_height) * layer.strides.height - layer.paddings.height
        lefts = np.arange(layer.out_width) * layer.strides.width - layer.paddings.width
        # A transfer reads contiguous columns: up to the next kernel, even if it is further away.
        wide = max(extents.width, layer.strides.width)
        self.top, self.bottom = _within(tops, height), _within(tops + extents.height, height)
        self.left, self.right = _within(lefts, width), _within(lefts + wide, width)

    @cached_property
    def fresh(self) -> Ints:
        """[out_height] input rows that each row of output needs, but no earlier row of output."""
        known = np.concatenate(([0], self.bottom[:-1]))
        return np.maximum(self.bottom - np.maximum(self.top, known), 0)

    @cached_property
    def needed(self) -> Ints:
        """[out_height] input rows that each row of output or an earlier row of output needs."""
        return np.cumsum(self.fresh)

    @property
    def _width(self) -> int:
        """Input columns that an image's output needs."""
        return int(self.right[-1])

    @property
    def _image(self) -> int:
        """Input pixels that an image's output needs."""
        return int(self.needed[-1]) * self._width

    def covered(self, pixels: Ints) -> Ints:
        """Input pixels that the first `pixels` output pixels need."""
        image, row, column = self._coordinates(pixels - 1)
        earlier_rows = (self.needed - self.fresh) * self._width
        in_row: Ints = self.fresh[row] * self.right[column]
        return image * self._image + earlier_rows[row] + in_row

    def done(self, pixel: Ints) -> Ints:
        """Input pixels, in whole rows, that no output pixel from `pixel` on needs."""
        image, row, _ = self._coordinates(pixel)
        in_image = (self.needed - self.bottom + self.top) * self._width
        done: Ints = image * self._image + in_image[row]
        return done

    def patch(self, first: Ints, end: Ints) -> Ints:
        """Input pixels under the output pixels from `first` to before `end`, without any reuse."""
        (_, _, left), (image, row, right) = self._coordinates(first), self._coordinates(end - 1)
        one_row = (self.bottom[row] - self.top[row]) * (self.right[right] - self.left[left])
        whole_rows = image * self._image + self.needed[row] * self._width - self.done(first)
        same_row = first // self.out_width == (end - 1) // self.out_width
        return np.where(end > first, np.where(same_row, one_row, whole_rows), 0)

    def _coordinates(self, pixel: Ints) -> tuple[Ints, Ints, Ints]:
        """(image, row, column) of output pixels."""
        line, column = np.divmod(pixel, self.out_width)
        image, row = np.divmod(line, self.out_height)
        return image, row, column


def _within(values: Ints, size: int) -> Ints:
    """The nearest values from 0 to `size`; faster than `np.clip` on few values."""
    return np.minimum(np.maximum(values, 0), size)
