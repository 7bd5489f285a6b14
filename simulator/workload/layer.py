"""One layer of a network: its shape and the storage of its weights."""

from dataclasses import dataclass, fields
from math import ceil
from operator import attrgetter
from typing import Self

from simulator.workload.kernels import KernelSet
from simulator.workload.sides import PerAxis, Sides, sides

VECTOR_CHANNELS = 8
"""Input channels of one binary vector of a 1x1 layer (supplement, Table 5)."""
MAX_TAU = 9
"""Most bits of an index, as in the paper: a subset has at most 512 kernels."""
MAX_KERNEL_WEIGHTS = 63
"""Most weights of a binary kernel: its id is a 64-bit integer. 7x9 kernels have 63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A convolution; a linear layer is a 1x1 convolution of one pixel.

    The unit of a binary layer is a kernel of one input channel, such as 3x3x1, or in a 1x1 layer a
    vector of 8 input channels (supplement, Table 5).
    """

    name: str
    stage: str
    in_channels: int
    out_channels: int
    in_height: int
    in_width: int
    out_height: int
    out_width: int
    kernel: PerAxis
    """Rows and columns of a kernel."""
    stride: PerAxis
    padding: PerAxis
    """Pixels at the top and the bottom, and at the left and the right."""
    dilation: PerAxis
    groups: int
    full_precision: bool
    images: int = 1
    """Input maps of the layer per image of the network; more than 1 after a `roi_pool`."""
    reads: str | None = None
    """The layer whose map it reads, by name; `input` is the image; None: unknown."""
    activation_bits: int | None = None
    """Bits of a binary layer's inputs in the network's file; None: those of the workload."""
    output_bits: int | None = None
    """Bits that the layers of the file read of its outputs; None: those of the workload."""
    tau: int | None = None
    """Bits of an index into the layer's subset; None: all kernels (1 bit per weight)."""
    kernels: KernelSet | None = None
    """The kernels of a trained network; None for a shape-only layer."""

    @property
    def shape(self) -> tuple[object, ...]:
        """All fields except the names; layers of equal shape run identically."""
        shape: tuple[object, ...] = _SHAPE(self)
        return shape

    @classmethod
    def of_shape(cls, shape: tuple[object, ...]) -> Self:
        """Return the layer of a shape, without names."""
        return cls(name="", stage="", **dict(zip(_SHAPED, shape, strict=True)))  # type: ignore[arg-type]

    @property
    def has_vectors(self) -> bool:
        """True if the units of a binary layer are vectors: its kernels have one weight."""
        return self.taps == 1

    @property
    def unit_weights(self) -> int:
        """Weights of one kernel (9 if 3x3) or vector (8), and its bits in a 1-bit layer."""
        return VECTOR_CHANNELS if self.has_vectors else self.taps

    @property
    def unit_channels(self) -> int:
        """Input channels of one kernel (1) or vector (8)."""
        return VECTOR_CHANNELS if self.has_vectors else 1

    @property
    def largest_tau(self) -> int:
        """Most bits of an index; if an index has a bit per weight, it is the kernel itself."""
        return min(self.unit_weights, MAX_TAU)

    @property
    def units_in(self) -> int:
        """Kernels or vectors that one output of one group sums over."""
        return ceil(self.in_channels // self.groups / self.unit_channels)

    @property
    def unit_bits(self) -> int:
        """Stored bits per kernel or vector: tau, or a bit per weight at 1 bit."""
        return self.unit_weights if self.tau is None else self.tau

    @property
    def subset_size(self) -> int:
        """Number of kernels that the layer may use: its subset's, or 2^tau, or all at 1 bit."""
        if self.kernels is not None and self.tau is not None:
            return len(self.kernels.subset)
        return int(2**self.unit_bits)

    @property
    def kernel_sides(self) -> Sides:
        """Rows and columns of a kernel."""
        return sides(self.kernel)

    @property
    def strides(self) -> Sides:
        """Steps from one output to the next, in rows and columns of the input."""
        return sides(self.stride)

    @property
    def paddings(self) -> Sides:
        """Rows of padding at the top and the bottom, columns at the left and the right."""
        return sides(self.padding)

    @property
    def dilations(self) -> Sides:
        """Steps from one weight of a kernel to the next, in rows and columns of the input."""
        return sides(self.dilation)

    @property
    def extents(self) -> Sides:
        """Rows and columns that a dilated kernel spans."""
        (rows, columns), (down, right) = self.kernel_sides, self.dilations
        return Sides(down * (rows - 1) + 1, right * (columns - 1) + 1)

    @property
    def taps(self) -> int:
        """Number of kernel positions: weights of a kernel per input channel."""
        return self.kernel_sides.area

    @property
    def out_pixels(self) -> int:
        """Output pixels per image of the network."""
        return self.images * self.out_height * self.out_width

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.out_channels * (self.in_channels // self.groups) * self.taps

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image of the network."""
        return self.out_pixels * self.weights


_NAMES = {"name", "stage", "reads"}
_SHAPED = tuple(each.name for each in fields(Layer) if each.name not in _NAMES)
_SHAPE = attrgetter(*_SHAPED)
