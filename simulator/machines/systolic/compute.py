"""The array's sums, fold by fold: an element of the reduction enters in each step.

Integers throughout: inputs of several bits enter in parts, or bit by bit, each weighted with its
power of two. The sums use a floating-point width in which they are exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.machines.systolic.plan import LayerPlan
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet

Activations = NDArray[np.int64]
"""[images, channels, height, width]: -1 or +1 at 1 bit; 0 to 2^bits - 1 at more bits."""


class _Entries(NamedTuple):
    """E parts of operands in the order of the reduction; an element has one or more."""

    values: NDArray[np.floating]
    """[E, pixels] parts of inputs, with their power of two."""
    operand: NDArray[np.int64]
    """[E] operand of a sum."""
    element: NDArray[np.int64]
    """[E] element of the reduction; never decreases."""


def compute(
    plan: LayerPlan, kernels: KernelSet, activations: Activations, rows: range
) -> NDArray[np.int64]:
    """[out_channels, images, rows, out_width] sums of some rows of a binary layer's output.

    Args:
        plan: the plan of the layer.
        kernels: its kernels; a decoder expands their indices.
        activations: its inputs.
        rows: the rows of the output.

    """
    layer, gemm = plan.layer, plan.gemm
    largest = layer.unit_weights * layer.units_in << plan.activation_bits
    exact = np.float32 if largest < 1 << 24 else np.float64
    channels = layer.in_channels // layer.groups
    signs = kernels.signs().reshape(layer.out_channels, -1)[:, : channels * layer.taps]
    sums = []
    for group in range(layer.groups):
        maps = activations[:, group * channels : (group + 1) * channels]
        entries = _entries(plan, _windows(layer, maps, rows), exact)
        mine = signs[group * gemm.channels : (group + 1) * gemm.channels]
        sums.append(_folded(plan, mine.astype(exact), entries))
    shape = (layer.out_channels, len(activations), len(rows), layer.out_width)
    return np.concatenate(sums).reshape(shape).astype(np.int64)


def _windows(layer: Layer, maps: Activations, rows: range) -> NDArray[np.int64]:
    """[channels x kernel x kernel, pixels] im2col matrix; padding is 0."""
    above, left = layer.paddings
    padded = np.pad(maps, ((0, 0), (0, 0), (above, above), (left, left)))
    view = np.lib.stride_tricks.sliding_window_view(padded, layer.extents, axis=(2, 3))
    down = np.array(rows) * layer.strides.height
    right = np.arange(layer.out_width) * layer.strides.width
    taken = view[:, :, down][:, :, :, right, :: layer.dilations.height, :: layer.dilations.width]
    by_channel = taken.transpose(1, 4, 5, 0, 2, 3)
    return by_channel.reshape(maps.shape[1] * layer.taps, -1)


def _entries(plan: LayerPlan, windows: NDArray[np.int64], exact: type[np.floating]) -> _Entries:
    """Cut inputs into the parts that PEs multiply, in the order of the reduction."""
    pe, bits = plan.machine.array.pe, plan.activation_bits
    by_bits = plan.gemm.binary_products > 0
    width, together = (1, pe.dot_width) if by_bits else (pe.input_bits, 1)
    count = -(-bits // width)
    operand, part = (x.ravel() for x in np.indices((len(windows), count)))
    element = operand // together * count + part
    order = np.argsort(element, kind="stable")
    operand, part, element = operand[order], part[order], element[order]
    values = windows[operand]
    if bits > 1:
        shift = part[:, None] * width
        values = (values >> shift & (1 << width) - 1) << shift
    return _Entries(values.astype(exact), operand, element)


def _folded(
    plan: LayerPlan, signs: NDArray[np.floating], entries: _Entries
) -> NDArray[np.floating]:
    """[channels, pixels] sums of a group, accumulated fold by fold."""
    channels, pixels = len(signs), entries.values.shape[1]
    weights = signs[:, entries.operand]
    sums = np.zeros((channels, pixels), dtype=signs.dtype)
    dataflow = plan.machine.array.dataflow
    strips = channels if dataflow == "weight_stationary" else pixels
    places = plan.gemm.reduction if plan.stationary else channels
    for strip in _tiles(strips, plan.strip_size):
        for place in _tiles(places, plan.place_size):
            if dataflow == "output_stationary":
                sums[place, strip] = weights[place] @ entries.values[:, strip]
                continue
            part = slice(*np.searchsorted(entries.element, (place.start, place.stop)))
            outputs, columns = (
                (strip, slice(None)) if dataflow == "weight_stationary" else (slice(None), strip)
            )
            sums[outputs, columns] += weights[outputs, part] @ entries.values[part, columns]
    return sums


def _tiles(total: int, size: int) -> Iterator[slice]:
    for first in range(0, total, size):
        yield slice(first, min(first + size, total))
