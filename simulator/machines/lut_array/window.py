"""Input pixels under a batch's output pixels 0, 1, 2, and so on, in the order of time."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.pixel_order import PixelOrder
from simulator.workload import Layer


class Window:
    """Rows and columns of the input under each row and column of the output of an image."""

    def __init__(self, layer: Layer, image_blocks: Sequence[int]) -> None:
        """Lay the kernels of a layer over its input."""
        self.order = PixelOrder(layer, image_blocks)
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
        """Input columns that a map's output needs."""
        return int(self.right[-1])

    @property
    def _map(self) -> int:
        """Input pixels that a map's output needs."""
        return int(self.needed[-1]) * self._width

    def covered(self, pixels: Ints) -> Ints:
        """Input pixels that the first `pixels` output pixels need."""
        last = self.order.pixels(np.maximum(pixels - 1, 0))
        fresh, width = self.fresh[last.row], self._width
        earlier_rows = last.maps * (self.needed[last.row] - fresh) * width
        in_row = fresh * (last.left_maps * width + self.right[last.column])
        return np.where(pixels > 0, last.earlier_maps * self._map + earlier_rows + in_row, 0)

    def done(self, pixel: Ints) -> Ints:
        """Input pixels, in whole rows, that no output pixel from `pixel` on needs."""
        at = self.order.pixels(pixel)
        rows = self.needed[at.row] - self.bottom[at.row] + self.top[at.row]
        done: Ints = at.earlier_maps * self._map + at.maps * rows * self._width
        return done

    def patch(self, first: Ints, end: Ints) -> Ints:
        """Input pixels under the output pixels from `first` to before `end`, without any reuse."""
        begin, last = self.order.pixels(first), self.order.pixels(np.maximum(end - 1, 0))
        row = last.row
        columns = self.right[last.column] - self.left[begin.column]
        one_row = (self.bottom[row] - self.top[row]) * columns
        needed = last.earlier_maps * self._map + last.maps * self.needed[row] * self._width
        same_row = (begin.map == last.map) & (begin.row == row)
        inside = np.where(same_row, one_row, needed - self.done(first))
        return np.where(end > first, inside, 0)


def _within(values: Ints, size: int) -> Ints:
    """The nearest values from 0 to `size`; faster than `np.clip` on few values."""
    return np.minimum(np.maximum(values, 0), size)
