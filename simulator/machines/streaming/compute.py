"""The sums of a stage, fold by fold: a word of a window enters in each step.

A stage takes the words of a window in the order of the sliding-window unit: group after group, tap
after tap, and `simd` inputs at a time. An MVTU adds their products to `pe` outputs per fold. A
stage of shared kernels fills the tables of `simd` input kernels with the dot products of its whole
subset, fetches an entry by index for every output, and adds it.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.machines.streaming.plan import Plan
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet, signs_of

Real = NDArray[np.floating]
_Number = TypeVar("_Number", bound=np.number)


def compute(plan: Plan, kernels: KernelSet, activations: Ints, rows: range) -> Ints:
    """[out_channels, images, rows, out_width] sums of some rows of a binary layer's output.

    Args:
        plan: the layer with its parallelism.
        kernels: its kernels.
        activations: [images, channels, height, width] its inputs.
        rows: the rows of the output.

    """
    layer = plan.weighted
    largest = max(1, int(np.abs(activations).max(initial=0))) * layer.taps * layer.in_channels
    exact = np.float32 if largest < 1 << 24 else np.float64
    windows = _windows(plan, activations, rows).astype(exact)
    outputs = layer.out_channels // layer.groups
    sums = []
    for group, mine in enumerate(windows):
        chosen = slice(group * outputs, (group + 1) * outputs)
        if plan.shape.shared:
            sums.append(_fetched_and_added(plan, kernels, chosen, mine))
        else:
            weights = signs_in_order(plan, kernels)[chosen].reshape(outputs, -1)
            sums.append(_folded(plan, weights.astype(exact), mine.reshape(-1, mine.shape[-1])))
    shape = (layer.out_channels, len(activations), len(rows), layer.out_width)
    return np.concatenate(sums).reshape(shape).astype(np.int64)


def signs_in_order(plan: Plan, kernels: KernelSet) -> NDArray[np.int8]:
    """[out_channels, taps, channels of a group] weights in the order of a window's words."""
    layer = plan.weighted
    channels = layer.in_channels // layer.groups
    signs = kernels.signs().reshape(layer.out_channels, -1)
    signs = signs[:, : channels * layer.taps]
    return in_order(plan, signs.reshape(layer.out_channels, channels, layer.taps))


def in_order(plan: Plan, weights: NDArray[_Number]) -> NDArray[_Number]:
    """[out_channels, taps, channels] weights [out_channels, channels, taps] in words' order.

    A linear layer reads a map pixel after pixel, and its features are numbered channel after
    channel: every pixel is a tap of its window.
    """
    if plan.shape.is_flat:
        weights = weights.reshape(len(weights), plan.shape.source.channels, -1)
    return weights.transpose(0, 2, 1)


def _windows(plan: Plan, activations: Ints, rows: range) -> Ints:
    """[groups, taps, channels of a group, pixels] the windows of some rows; padding is 0."""
    layer = plan.weighted
    if plan.shape.is_flat:
        flat = activations.reshape(1, len(activations), plan.shape.source.channels, -1)
        return flat.transpose(0, 3, 2, 1)
    above, left = layer.paddings
    padded = np.pad(activations, ((0, 0), (0, 0), (above, above), (left, left)))
    parts = []
    for y, x in np.ndindex(*layer.kernel_sides):
        top = y * layer.dilations.height + rows.start * layer.strides.height
        first = x * layer.dilations.width
        taken = padded[
            :,
            :,
            top : top + (len(rows) - 1) * layer.strides.height + 1 : layer.strides.height,
            first : first + (layer.out_width - 1) * layer.strides.width + 1 : layer.strides.width,
        ]
        parts.append(taken.transpose(1, 0, 2, 3).reshape(layer.groups, -1, taken[:, 0].size))
    return np.stack(parts, axis=1)


def _folded(plan: Plan, weights: Real, words: Real) -> Real:
    """[outputs, pixels] sums of a group: PE outputs per neuron fold, a word per synapse fold."""
    pe, simd, _ = plan.fold
    sums = np.zeros((len(weights), words.shape[1]), dtype=words.dtype)
    for first in range(0, len(weights), pe):
        outputs = slice(first, first + pe)
        for begin in range(0, len(words), simd):
            word = slice(begin, begin + simd)
            sums[outputs] += weights[outputs, word] @ words[word]
    return sums


def _fetched_and_added(plan: Plan, kernels: KernelSet, chosen: slice, windows: Real) -> Real:
    """[outputs, pixels] sums of a group: tables of `simd` kernels, then entries by index."""
    layer = plan.weighted
    signs = signs_of(kernels.subset, kernels.unit_weights).astype(windows.dtype)
    indices = kernels.indices[chosen]
    units = _units(layer, windows)
    sums = np.zeros((len(indices), windows.shape[-1]), dtype=windows.dtype)
    for first in range(0, len(units), plan.fold.simd):
        tables = [signs @ unit for unit in units[first : first + plan.fold.simd]]
        for begin in range(0, len(indices), plan.fold.pe):
            outputs = slice(begin, begin + plan.fold.pe)
            for number, table in enumerate(tables, start=first):
                sums[outputs] += table[indices[outputs, number]]
    return sums


def _units(layer: Layer, windows: Real) -> Real:
    """[units, weights of a unit, pixels] windows [taps, channels, pixels] kernel by kernel.

    The last vector of a 1x1 layer may have fewer channels; the missing channels are 0.
    """
    missing = layer.units_in * layer.unit_channels - windows.shape[1]
    whole = np.pad(windows, ((0, 0), (0, missing), (0, 0)))
    return whole.transpose(1, 0, 2).reshape(layer.units_in, layer.unit_weights, -1)
