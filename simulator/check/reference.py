"""The direct convolution: every weight expanded, shifted inputs, one matrix product per shift.

It shares only the kernels with the array's computation. It has no LUT, no indices and no pixel
coordinates, and its padding is a frame of zeros.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.check.activations import Activations
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet


def convolve(
    layer: Layer, kernels: KernelSet, activations: Activations, rows: range
) -> NDArray[np.int64]:
    """Return some rows of output: [out_channels, images, rows, out_width].

    The sums use floating point of a width in which every partial sum is exact.
    """
    weights = expanded_weights(layer, kernels)
    largest = int(np.abs(activations).max(initial=0)) * weights[0].size
    exact = np.float32 if largest < 1 << 24 else np.float64
    if largest >= 1 << 53:
        raise OverflowError("an output may not be exact in 64-bit floating point")
    exact_weights: NDArray[np.floating] = weights.astype(exact)
    exact_inputs: NDArray[np.floating] = activations.astype(exact)
    return shifted_sums(layer, exact_weights, exact_inputs, rows).astype(np.int64)


def shifted_sums(
    layer: Layer, weights: NDArray[Any], activations: NDArray[Any], rows: range
) -> NDArray[Any]:
    """Return some rows of output, [out_channels, images, rows, out_width], in the inputs' type.

    Args:
        layer: the layer.
        weights: [out_channels, in_channels / groups, rows, columns] its weights.
        activations: [images, in_channels, in_height, in_width] its inputs.
        rows: the rows of output.

    """
    frame = ((0, 0), (0, 0), *((side, side) for side in layer.paddings))
    padded = np.pad(activations, frame).transpose(1, 0, 2, 3)
    inputs, outputs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    parts = []
    for group in range(layer.groups):
        mine = weights[group * outputs : (group + 1) * outputs]
        maps = padded[group * inputs : (group + 1) * inputs]
        parts.append(_sums_of_group(layer, mine, maps, rows))
    shape = (layer.out_channels, len(activations), len(rows), layer.out_width)
    return np.concatenate(parts).reshape(shape)


def _sums_of_group(
    layer: Layer, weights: NDArray[Any], maps: NDArray[Any], rows: range
) -> NDArray[Any]:
    """Return [outputs, pixels] of one group of the convolution."""
    sums: NDArray[Any] | None = None
    strides, dilations = layer.strides, layer.dilations
    for down in range(layer.kernel_sides.height):
        for right in range(layer.kernel_sides.width):
            top = rows.start * strides.height + down * dilations.height
            left = right * dilations.width
            bottom = top + (len(rows) - 1) * strides.height + 1
            end = left + (layer.out_width - 1) * strides.width + 1
            shifted = maps[:, :, top : bottom : strides.height, left : end : strides.width]
            product = weights[:, :, down, right] @ shifted.reshape(len(maps), -1)
            sums = product if sums is None else sums + product
    assert sums is not None  # a kernel has at least one weight
    return sums


def expanded_weights(layer: Layer, kernels: KernelSet) -> NDArray[np.int8]:
    """Return all weights, -1 or +1: [out_channels, in_channels / groups, rows, columns]."""
    signs = kernels.signs()
    if not layer.has_vectors:
        return signs.reshape(*signs.shape[:2], *layer.kernel_sides)
    channels = layer.in_channels // layer.groups  # the last vector may reach beyond them
    return signs.reshape(len(signs), -1)[:, :channels, None, None]
