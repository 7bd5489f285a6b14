"""The array's way: fill a table with dot products, fetch by index, add; or, direct, add each one.

The loops are those of docs/machine.md (blocks, groups, passes), over a tile of output pixels at a
time. A unit is an input channel of a 3x3 layer or a vector of 8 channels of a 1x1 layer; all PEs
of a group work at once, each with the indices of its own unit. Integers throughout: activations of
several bits go bit-serially through the dot unit, plane by plane, each weighted with its power of
two.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.functional.activations import Activations
from simulator.mapping.plan import LayerPlan
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet, signs_of


def compute(
    plan: LayerPlan, kernels: KernelSet, activations: Activations, rows: range
) -> NDArray[np.int64]:
    """[out_channels, images, rows, out_width] what the array makes of some rows of output."""
    layer = plan.layer
    pixels = len(activations) * len(rows) * layer.out_width
    bits = plan.activation_bits
    largest = layer.units_in * layer.unit_weights * ((1 << bits) - 1)
    integer = np.int32 if largest < 1 << 31 else np.int64
    sums = np.zeros((layer.out_channels, pixels), dtype=integer)
    positions = patch_positions(layer, len(activations), rows)
    maps = activations.transpose(1, 0, 2, 3).reshape(layer.in_channels, -1)
    first = 0
    for number, block in enumerate(plan.blocks):
        outputs = slice(first, first + block.outputs)
        first += block.outputs
        conv_group = number * layer.groups // len(plan.blocks)
        for units in _groups(plan):
            patches = _patches(layer, maps, conv_group, units, positions)
            for unit, patch in zip(units, patches, strict=True):
                dots = _Dots(patch, bits, integer)
                indices = kernels.indices[outputs, unit]
                if plan.mode == "table":
                    _fetch_and_add(plan, kernels.subset, indices, dots, sums[outputs])
                else:
                    sums[outputs] += dots.of(kernels.subset[indices], layer.unit_weights)
    shape = (layer.out_channels, len(activations), len(rows), layer.out_width)
    return sums.reshape(shape).astype(np.int64)


def _groups(plan: LayerPlan) -> Iterator[range]:
    """The units of every input-channel group."""
    first = 0
    for units in plan.group_units:
        yield range(first, first + units)
        first += units


class _Dots:
    """The dot unit with one unit's patches."""

    def __init__(
        self, patch: NDArray[np.int64], bits: int, integer: type[np.signedinteger]
    ) -> None:
        """Cut the patch [weights of a kernel, pixels] into the planes that go through it."""
        self._integer = integer
        self._planes = (
            [(1, patch)] if bits == 1 else [(1 << bit, patch >> bit & 1) for bit in range(bits)]
        )

    def of(self, ids: NDArray[np.uint16], unit_weights: int) -> NDArray[np.signedinteger]:
        """[kernels, pixels] the dot product of every kernel with every pixel's patch."""
        signs = signs_of(ids, unit_weights).astype(np.float32)
        total = None
        for weight, plane in self._planes:
            dots = (signs @ plane.astype(np.float32)).astype(self._integer)  # at most 9: exact
            total = dots if total is None else total + weight * dots
        assert total is not None  # activations have at least one bit
        return total


def _fetch_and_add(
    plan: LayerPlan,
    subset: NDArray[np.uint16],
    indices: NDArray[np.uint16],
    dots: _Dots,
    sums: NDArray[np.signedinteger],
) -> None:
    """Pass by pass: fill the table, fetch every output's entry, add."""
    base = 0
    for entries in plan.pass_entries:
        table = dots.of(subset[base : base + entries], plan.layer.unit_weights)
        if entries == len(subset):
            sums += table.take(indices, axis=0)
        else:
            (mine,) = np.nonzero((indices >= base) & (indices < base + entries))
            sums[mine] += table.take(indices[mine] - base, axis=0)
        base += entries


def patch_positions(
    layer: Layer, images: int, rows: range
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each output pixel's patch lies in its input: both [kernel x kernel, pixels].

    The first are places in a flattened [images, height, width] map; the second say which lie
    inside it. One outside is padding and has some place inside, whose value does not count.
    """
    image, row, column = (
        part.ravel()
        for part in np.meshgrid(
            np.arange(images), np.array(rows), np.arange(layer.out_width), indexing="ij"
        )
    )
    offset = np.arange(layer.kernel) * layer.dilation - layer.padding
    down, right = (part.reshape(-1, 1) for part in np.meshgrid(offset, offset, indexing="ij"))
    y, x = row * layer.stride + down, column * layer.stride + right
    inside = (y >= 0) & (y < layer.in_height) & (x >= 0) & (x < layer.in_width)
    y, x = y.clip(0, layer.in_height - 1), x.clip(0, layer.in_width - 1)
    return (image * layer.in_height + y) * layer.in_width + x, inside


def _patches(
    layer: Layer,
    maps: Activations,
    conv_group: int,
    units: range,
    positions: tuple[NDArray[np.int64], NDArray[np.bool_]],
) -> Iterator[NDArray[np.int64]]:
    """[weights of a kernel, pixels] the patches of every unit; padding adds nothing: 0."""
    channels = layer.in_channels // layer.groups
    places, inside = positions
    for unit in units:
        first = unit * layer.unit_channels
        upto = min(first + layer.unit_channels, channels)  # the last vector may be shorter
        base = conv_group * channels
        patch = np.where(inside, maps[base + first : base + upto].take(places, axis=1), 0)
        flat = patch.reshape(-1, places.shape[1])
        missing = layer.unit_weights - len(flat)
        yield np.pad(flat, ((0, missing), (0, 0))) if missing else flat
