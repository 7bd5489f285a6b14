"""A twin of every kind of layer in plain numpy and floating point.

The twins follow the definitions of the kinds. They share no arithmetic with the machines: no fixed
point, no thresholds, no windows as views.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.check.reference import shifted_sums
from simulator.workload import Layer
from simulator.workload.values import LayerValues
from simulator.workload.vector_layer import VectorKind, VectorLayer

Real = NDArray[np.float64]
Samples = NDArray[np.int64]
"""[regions, 2, samples] the rows and the columns of each region's samples."""


def convolution(layer: Layer, weights: Real, bias: Real | None, entering: Real) -> Real:
    """[images, out_channels, out_height, out_width] a convolution, or a linear layer.

    Args:
        layer: the layer.
        weights: [out_channels, in_channels / groups, rows, columns] its weights.
        bias: [out_channels] its summands.
        entering: [images, in_channels, in_height, in_width] its inputs.

    """
    sums = shifted_sums(layer, weights, entering, range(layer.out_height))
    out: Real = sums.transpose(1, 0, 2, 3)
    return out if bias is None else out + bias[:, None, None]


def scaled(entering: Real, scale: Real, shift: Real) -> Real:
    """[same shape] scale * value + shift, per channel: batch normalization."""
    return entering * scale[:, None, None] + shift[:, None, None]


def vector_output(
    layer: VectorLayer, operands: Sequence[Real], values: LayerValues, samples: Samples | None
) -> Real:
    """[images, channels, out_height, out_width] the output of a layer without weights.

    Args:
        layer: the layer.
        operands: the maps that it reads.
        values: its constants.
        samples: the samples of a `regions` layer.

    """
    if layer.kind == "norm":
        assert values.scale is not None
        assert values.shift is not None
        return scaled(operands[0], values.scale.astype(float), values.shift.astype(float))
    if layer.kind == "activation":
        return _activation(layer, operands[0], values)
    if layer.kind == "regions":
        assert samples is not None
        return _regions(layer, operands[0], samples)
    return _BY_KIND[layer.kind](layer, operands)


def _activation(layer: VectorLayer, x: Real, values: LayerValues) -> Real:
    if layer.function == "hardtanh":
        return np.minimum(np.maximum(x, -1), 1)
    if layer.function == "relu":
        return np.maximum(x, 0)
    assert values.slope is not None
    return np.where(x > 0, x, x * values.slope.astype(float)[:, None, None])


def _add(_layer: VectorLayer, operands: Sequence[Real]) -> Real:
    total = operands[0]
    for other in operands[1:]:
        total = total + other
    return total


def _concat(_layer: VectorLayer, operands: Sequence[Real]) -> Real:
    return np.concatenate(operands, axis=1)


def _shuffle(layer: VectorLayer, operands: Sequence[Real]) -> Real:
    """Channels as a matrix [groups, channels / groups], transposed (ShuffleNet)."""
    (x,) = operands
    images, channels, height, width = x.shape
    parts = x.reshape(images, layer.groups, channels // layer.groups, height, width)
    return parts.swapaxes(1, 2).reshape(x.shape)


def _max_pool(layer: VectorLayer, operands: Sequence[Real]) -> Real:
    """The largest value of a window; padding has the map's least value, and decides no window."""
    (x,) = operands
    return _pooled(layer, x, x.min(initial=0), np.maximum)


def _average_pool(layer: VectorLayer, operands: Sequence[Real]) -> Real:
    """The sum of a window over its area; positions of the padding count, as in torch."""
    return _pooled(layer, operands[0], 0.0, np.add) / layer.window.area


def _pooled(
    layer: VectorLayer, x: Real, outside: float, combine: Callable[[Real, Real], Real]
) -> Real:
    """Combine the values at each position of a window, over all outputs at once."""
    (top, left), (down, right) = layer.paddings, layer.strides
    height = (layer.out_height - 1) * down + layer.window.height
    width = (layer.out_width - 1) * right + layer.window.width
    framed = np.full(
        (*x.shape[:2], max(height, top + x.shape[2]), max(width, left + x.shape[3])), outside
    )
    framed[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
    out = None
    for y in range(layer.window.height):
        for z in range(layer.window.width):
            rows = slice(y, y + (layer.out_height - 1) * down + 1, down)
            part = framed[:, :, rows, z : z + (layer.out_width - 1) * right + 1 : right]
            out = part if out is None else combine(out, part)
    assert out is not None  # a window has at least one value
    return out


def _regions(layer: VectorLayer, x: Real, samples: Samples) -> Real:
    """The largest of the samples of every bin, region by region of every image."""
    found = []
    (down, right), shape = layer.window, (layer.out_height, layer.out_width)
    for image in x:
        for rows, columns in samples:
            out = np.empty((len(image), *shape))
            for y, z in np.ndindex(shape):
                bin_rows, bin_columns = rows[y * down :][:down], columns[z * right :][:right]
                values = image[:, bin_rows][:, :, bin_columns]
                out[:, y, z] = values.reshape(len(image), -1).max(axis=1)
            found.append(out)
    return np.stack(found)


_BY_KIND: dict[VectorKind, Callable[[VectorLayer, Sequence[Real]], Real]] = {
    "add": _add,
    "concat": _concat,
    "shuffle": _shuffle,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
}


def codes(x: Real, bits: int, exponent: int) -> NDArray[np.int64]:
    """[same shape] what a binary layer reads: +1 above 0 and -1 otherwise, or 0 to 2^bits - 1.

    Args:
        x: real values.
        bits: bits of a code.
        exponent: a code c of several bits is c * 2^-exponent, the nearest to the value.

    """
    if bits == 1:
        return np.where(x > 0, 1, -1)
    nearest = np.floor(x * 2.0**exponent + 0.5)
    return np.minimum(np.maximum(nearest, 0), 2.0**bits - 1).astype(np.int64)
