"""A layer as a stage of the pipeline: its maps, and its cycles at any parallelism."""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, gcd
from typing import NamedTuple

from simulator.workload import Layer
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import VectorLayer


class Parallelism(NamedTuple):
    """A stage's parallelism; see `Fold` in the schema."""

    pe: int
    simd: int
    dots: int


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, the smallest first."""
    return [one for one in range(1, number + 1) if number % one == 0]


@dataclass(frozen=True, kw_only=True)
class Map:
    """A map between layers, as a stream carries it: pixel after pixel."""

    name: str
    channels: int
    size: Sides
    bits: int
    """Bits per value."""

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.size.area

    @property
    def pixel_bits(self) -> int:
        """Bits of a pixel."""
        return self.channels * self.bits

    def words(self, bits: int) -> int:
        """Return the words of an image in a stream whose words have some bits."""
        return self.pixels * ceil(self.pixel_bits / bits)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A layer as a stage, before its parallelism is known."""

    layer: Layer | VectorLayer
    source: Map
    """The map that it reads, or the first of several."""
    in_bits: int
    """Bits per value that it reads."""
    target: Map
    """The map that it writes, after the normalization and activation function in its thresholds."""
    shared: bool
    """True if the stage has a table of shared dot products."""
    weight_bits: int
    """Bits of a weight in the stage's memory; 0: no weights."""
    thresholds: bool = False
    """True if its sums pass thresholds: those of a normalization or activation function."""

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    # --- limits of the parallelism --------------------------------------------------------------

    @property
    def simd_options(self) -> list[int]:
        """The possible numbers of inputs, or kernels, per cycle.

        They divide the channels of a pixel, or are whole pixels of a window.
        """
        if isinstance(self.layer, VectorLayer):
            return [1]
        channels = self.pixel_channels
        if self.shared:
            unit = self.layer.unit_channels
            return divisors(channels // unit) if self.has_whole_vectors else [1]
        whole = divisors(self.layer.taps)[1:] if self.layer.groups == 1 else []
        return [*divisors(channels), *(channels * pixels for pixels in whole)]

    @property
    def pixel_channels(self) -> int:
        """Channels of a pixel that an output of a layer with weights reads."""
        assert isinstance(self.layer, Layer)
        return min(self.source.channels, self.layer.in_channels) // self.layer.groups

    @property
    def has_whole_vectors(self) -> bool:
        """True if the channels of a pixel are whole units of a layer of shared kernels."""
        assert isinstance(self.layer, Layer)
        return self.pixel_channels % self.layer.unit_channels == 0

    @property
    def most_pe(self) -> int:
        """The most outputs per cycle; channels per word without weights.

        A concatenation passes words on, so that its words divide the channels of every map.
        """
        if isinstance(self.layer, VectorLayer) and self.layer.kind == "concat":
            return gcd(*self.layer.operand_channels)
        return self.target.channels // (self.layer.groups if isinstance(self.layer, Layer) else 1)

    @property
    def most_dots(self) -> int:
        """The most dot products per cycle and kernel: all of the subset."""
        assert isinstance(self.layer, Layer) or not self.shared
        return self.layer.subset_size if self.shared else 1  # type: ignore[union-attr]

    # --- geometry -------------------------------------------------------------------------------

    @property
    def extent(self) -> Sides:
        """Rows and columns that a window spans."""
        return self.layer.extents if isinstance(self.layer, Layer) else self.layer.window

    @property
    def taps(self) -> int:
        """Positions of a window."""
        return self.layer.taps if isinstance(self.layer, Layer) else self.layer.window.area

    @property
    def out(self) -> Sides:
        """Rows and columns of the output."""
        return Sides(self.layer.out_height, self.layer.out_width)

    @property
    def out_pixels(self) -> int:
        """Output pixels of an image."""
        return self.out.area

    @cached_property
    def margins(self) -> tuple[Sides, Sides]:
        """Zeros above and left of the map, and below and right of it, up to the last window."""
        size, before = self.source.size, self.layer.paddings
        after = [
            max(pad, (out - 1) * stride + extent - pad - one)
            for pad, out, stride, extent, one in zip(
                before, self.out, self.layer.strides, self.extent, size, strict=True
            )
        ]
        return before, Sides(*after)

    @property
    def padded(self) -> Sides:
        """Rows and columns of the map with its zeros."""
        before, after = self.margins
        return Sides(*(sum(x) for x in zip(before, self.source.size, after, strict=True)))

    @property
    def is_flat(self) -> bool:
        """True for a linear layer, which reads a map as one pixel."""
        return isinstance(self.layer, Layer) and self.layer.in_channels != self.source.channels
