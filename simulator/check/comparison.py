"""The comparison of a layer's outputs, integer by integer."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.workload import Layer

Outputs = NDArray[np.int64]
"""[out_channels, images, rows, out_width]."""

_HELD = 1 << 21
"""The number of outputs in memory at once."""
_LEAST_PIXELS, _MOST_PIXELS = 64, 1 << 13
"""Bounds on the pixels of a tile: wide enough for whole vectors, small enough for caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first wrong output, in the order of images, rows, columns and output channels."""

    layer: str
    image: int
    output_channel: int
    row: int
    column: int
    expected: int
    """The value from direct convolution, or from the layer's twin."""
    got: int
    """The value from the machine."""

    def __str__(self) -> str:
        """The difference as one line."""
        image = f"image {self.image}, " if self.image else ""
        return (
            f"{self.layer}: {image}output channel {self.output_channel}, row {self.row}, column "
            f"{self.column}: expected {self.expected}, got {self.got}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCheck:
    """The comparison of one layer's outputs."""

    layer: str
    mode: str
    """The machine's mode of the layer, such as `lut`, `direct`, `mac`, `vector` or `fused`."""
    kernels: str
    """Origin of kernels, weights or constants: `given` with the workload, `random`: drawn from the
    seed, or `none`."""
    inputs: str
    """`given` in a file, `random`: drawn from the seed, or `network`: outputs of other layers."""
    outputs: int
    """The number of outputs in the comparison: all outputs of the layer."""
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """True if all outputs are equal to the last bit."""
        return self.difference is None


def first_difference(
    layer: str, expected: Outputs, got: Outputs, images: range, rows: range
) -> Difference | None:
    """Return the first difference of two results.

    Args:
        layer: name of the layer.
        expected: the twin's result.
        got: the machine's result.
        images: the images of the results.
        rows: the rows of the results.

    """
    wrong = np.argwhere((got != expected).transpose(1, 2, 3, 0))
    if not len(wrong):
        return None
    image, row, column, channel = wrong[0].tolist()
    return Difference(
        layer=layer,
        image=images[image],
        output_channel=channel,
        row=rows[row],
        column=column,
        expected=int(expected[channel, image, row, column]),
        got=int(got[channel, image, row, column]),
    )


def tile(layer: Layer) -> tuple[int, int]:
    """Return (images, output rows) to keep in memory at once."""
    pixels = max(_LEAST_PIXELS, min(_HELD // layer.out_channels, _MOST_PIXELS))
    together = max(1, pixels // (layer.out_height * layer.out_width))
    return together, min(layer.out_height, max(1, pixels // layer.out_width))


def pieces(whole: int, size: int) -> Iterator[range]:
    """Yield the parts of a range, each of at most some size."""
    for first in range(0, whole, size):
        yield range(first, min(first + size, whole))
