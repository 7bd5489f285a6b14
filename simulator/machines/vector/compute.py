"""The results of layers without weights and of the MAC unit, in integers.

All maps are in fixed point (`numbers.py`). Constants of a layer, such as the factors of a
normalization, have a scale of their own. A result is exact before it is rounded to its map's scale.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.machines.vector.numbers import (
    Integers,
    Numbers,
    exponent_for,
    largest_integer,
    one,
    rounded,
    stored,
)
from simulator.workload import Layer
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import VectorLayer

MOST_SIGNIFICANT = 24
"""Most bits of an operand of the MAC unit, and bits of a factor of the vector unit. ASSUMED: an
operand of 32 bits is a number in single precision, which has 24 significant bits."""
INTERNAL_BITS = 28
"""Bits of a value inside the vector unit, until it is written. ASSUMED: 4 bits more than the widest
map. Products and sums then have less than 53 bits, and are exact in floating point, too."""
_MOST_SUMMAND = 1 << 51
_MOST_SHIFT = 62 - INTERNAL_BITS
"""Bits by which such a value can grow in 64-bit integers."""

Real = NDArray[np.float64]
T = TypeVar("T", bound=np.generic)


def affine(
    entering: Numbers, factors: Integers, factor_exponent: int, summand: Integers
) -> Numbers:
    """[same shape] factor * value + summand, per channel.

    Args:
        entering: the values.
        factors: [channels] factors.
        factor_exponent: their scale.
        summand: [channels] summands, at the scale of the products.

    """
    products = entering.values * _per_channel(factors) + _per_channel(summand)
    return Numbers(products, entering.exponent + factor_exponent)


def constants(scale: Real, shift: Real, exponent: int) -> tuple[Integers, int, Integers]:
    """Return factors, their scale, and summands for values of a scale.

    Args:
        scale: [channels] real factors.
        shift: [channels] real summands.
        exponent: scale of the values.

    """
    largest = float(np.abs(scale).max(initial=0))
    own = min(exponent_for(largest, largest_integer(MOST_SIGNIFICANT)), _MOST_SHIFT)
    if shift.any():
        own = min(own, exponent_for(float(np.abs(shift).max()), _MOST_SUMMAND) - exponent)
    return stored(scale, own), own, stored(shift, exponent + own)


def activation(layer: VectorLayer, entering: Numbers, slope: Real | None = None) -> Numbers:
    """[same shape] the activation function; `slope` [channels] is that of PReLU."""
    values, exponent = entering.values, entering.exponent
    if layer.function == "hardtanh":
        limit = one(exponent)
        return Numbers(values.clip(-limit, limit), exponent)
    if layer.function == "relu":
        return Numbers(values.clip(0, None), exponent)
    assert slope is not None  # the only other function is PReLU
    factors, own, _ = constants(slope, np.zeros_like(slope), exponent)
    below = values * _per_channel(factors)
    return Numbers(np.where(values < 0, below, values << own), exponent + own)


def add(summands: Sequence[Numbers]) -> Numbers:
    """[same shape] the exact sum of maps, at the finest of their scales."""
    exponent = max(each.exponent for each in summands)
    total = sum(each.values << (exponent - each.exponent) for each in summands)
    return Numbers(np.asarray(total, dtype=np.int64), exponent)


def average_pool(layer: VectorLayer, entering: Numbers, exponent: int) -> Numbers:
    """[images, channels, out_height, out_width] means of windows, rounded at a scale.

    Padding is 0, and counts. The exact quotient is rounded to nearest, halves up. ASSUMED: a
    constant divisor costs the unit no more than a factor.
    """
    area = layer.window.area
    sums = _windows(layer, entering.values, outside=0).sum(axis=-1)
    shift = exponent - entering.exponent
    above, below = (sums << max(0, shift), area << max(0, -shift))
    return Numbers((2 * above + below) // (2 * below), exponent)


def max_pool(layer: VectorLayer, values: Integers) -> Integers:
    """[images, channels, out_height, out_width] the largest value of every window."""
    least = int(values.min(initial=0))
    largest: Integers = _windows(layer, values, outside=least).max(axis=-1)
    return largest


def shuffle(layer: VectorLayer, values: Integers) -> Integers:
    """[same shape] channel c of n goes to (c mod n/groups) * groups + c // (n/groups)."""
    channels = np.arange(layer.out_channels)
    per_group = layer.out_channels // layer.groups
    places = channels % per_group * layer.groups + channels // per_group
    out = np.empty_like(values)
    out[:, places] = values
    return out


def regions(layer: VectorLayer, values: Integers, chosen: Integers) -> Integers:
    """[images x regions, channels, out_height, out_width] the largest sample of every bin.

    Args:
        layer: the layer.
        values: [images, channels, height, width] map.
        chosen: [regions, 2, samples] the rows and the columns of each region's samples.

    """
    parts = [
        max_pool(layer, values[:, :, rows[:, None], columns[None]]) for rows, columns in chosen
    ]
    return np.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])


def thresholds(scale: Real, shift: Real, entering: int, leaving: int, bits: int) -> Integers:
    """[channels, codes - 1] the input integers at which the code of scale * x + shift grows.

    A code counts the thresholds that an integer reaches: from above if the factor is negative. The
    normalization and the quantizer are therefore only comparisons.

    Args:
        scale: [channels] factors; a negative factor turns the comparison.
        shift: [channels] summands.
        entering: scale of the input integers.
        leaving: scale of the codes; without effect at 1 bit, a sign.
        bits: bits of a code.

    """
    steps = np.arange(1, 1 << bits) - 0.5
    limits = np.zeros(1) if bits == 1 else np.ldexp(steps, -leaving)
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.ldexp((limits - shift[:, None]) / scale[:, None], entering)
    rises = scale[:, None] > 0
    if bits == 1:  # the sign is that of a value above 0
        found = np.where(rises, np.floor(exact) + 1, np.ceil(exact) - 1)
    else:
        found = np.where(rises, np.ceil(exact), np.floor(exact))
    always = shift[:, None] > limits if bits == 1 else shift[:, None] >= limits
    flat = np.where(always, -_BEYOND, _BEYOND)
    return np.where(scale[:, None] == 0, flat, found.clip(-_BEYOND, _BEYOND)).astype(np.int64)


_BEYOND = 2.0**62
"""More than any input integer."""


def codes(values: Integers, scale: Real, limits: Integers, bits: int) -> Integers:
    """[same shape] the codes of integers [images, channels, height, width] by their thresholds."""
    down = scale < 0
    signed = np.where(_per_channel(down), -values, values)
    limits = np.where(down[:, None], -limits, limits)
    counted = np.zeros(values.shape, dtype=np.int64)
    for step in range(limits.shape[1]):
        counted += signed >= _per_channel(limits[:, step])
    return 2 * counted - 1 if bits == 1 else counted


def quantized(entering: Numbers, leaving: int, bits: int) -> Integers:
    """[same shape] the codes of numbers: their signs, or 0 to 2^bits - 1 at a scale."""
    if bits == 1:
        return np.where(entering.values > 0, 1, -1)
    return rounded(entering.values, entering.exponent - leaving).clip(0, (1 << bits) - 1)


def matrix_product(layer: Layer, weights: Numbers, entering: Numbers) -> Numbers:
    """[images, out_channels, out_height, out_width] the exact sums of a MAC unit.

    Args:
        layer: a layer in full precision.
        weights: [out_channels, in_channels / groups, rows, columns] its weights.
        entering: [images, in_channels, in_height, in_width] its inputs.

    """
    down, right = layer.paddings
    padded = np.pad(entering.values, ((0, 0), (0, 0), (down, down), (right, right)))
    view = np.lib.stride_tricks.sliding_window_view(padded, layer.extents, axis=(2, 3))
    view = view[:, :, :: layer.strides.height, :: layer.strides.width]
    view = view[..., :: layer.dilations.height, :: layer.dilations.width]
    view = view[:, :, : layer.out_height, : layer.out_width]
    inputs, outputs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    parts = []
    for group in range(layer.groups):
        maps = view[:, group * inputs : (group + 1) * inputs]
        columns = maps.transpose(0, 2, 3, 1, 4, 5).reshape(-1, inputs * layer.taps)
        mine = weights.values[group * outputs : (group + 1) * outputs]
        sums = columns @ mine.reshape(outputs, -1).T
        parts.append(sums.reshape(len(padded), layer.out_height, layer.out_width, outputs))
    whole = np.concatenate(parts, axis=-1).transpose(0, 3, 1, 2)
    return Numbers(np.ascontiguousarray(whole), weights.exponent + entering.exponent)


def _per_channel(values: NDArray[T]) -> NDArray[T]:
    """[1, channels, 1, 1] constants of the channels of a map."""
    return values.reshape(1, -1, 1, 1)


def _windows(layer: VectorLayer, values: Integers, outside: int) -> Integers:
    """[images, channels, out_height, out_width, area] the window of every output."""
    size = Sides(*values.shape[2:])
    missing = [
        max(0, (outputs - 1) * stride + window - padding - length)
        for outputs, stride, window, padding, length in zip(
            (layer.out_height, layer.out_width),
            layer.strides,
            layer.window,
            layer.paddings,
            size,
            strict=True,
        )
    ]
    sides = [(0, 0), (0, 0), *zip(layer.paddings, missing, strict=True)]
    padded = np.pad(values, sides, constant_values=outside)
    view = np.lib.stride_tricks.sliding_window_view(padded, layer.window, axis=(2, 3))
    view = view[:, :, :: layer.strides.height, :: layer.strides.width]
    view = view[:, :, : layer.out_height, : layer.out_width]
    return view.reshape(*view.shape[:4], -1)
