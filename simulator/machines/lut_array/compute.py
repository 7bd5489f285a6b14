"""The array's computation, in LUT mode and in direct mode.

In LUT mode, PEs fill a LUT with dot products, fetch entries by index, and add them. In direct mode,
PEs add each dot product. The loops are those of docs/machine.md (output blocks, input blocks, LUT
passes), over a tile of output pixels at a time. A unit is an input channel, or a vector of 8
channels of a 1x1 layer. All PEs of an input block work at once, each with the indices
of its own unit.

All sums are integers. Activations of several bits go bit-serially through the dot unit, plane by
plane; each plane has the weight of its power of two. Dot products of one plane, at most 63, are
exact in floating point.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.machines.lut_array.plan import LayerPlan
from simulator.workload import Layer
from simulator.workload.kernels import Ids, Indices, KernelSet, signs_of

Activations = NDArray[np.int64]
"""[images, channels, height, width]: -1 or +1 at 1 bit; 0 to 2^bits - 1 at several bits."""
_HELD = 1 << 22
"""Most dot products in memory at once; without a LUT, most inputs."""


def compute(
    plan: LayerPlan, kernels: KernelSet, activations: Activations, rows: range
) -> NDArray[np.int64]:
    """[out_channels, images, rows, out_width] the array's sums for some rows of output."""
    layer, bits = plan.layer, plan.activation_bits
    largest = layer.units_in * layer.unit_weights * ((1 << bits) - 1)
    integer = next(kind for kind in (np.int16, np.int32, np.int64) if largest <= np.iinfo(kind).max)
    places, inside = patch_positions(layer, len(activations), rows)
    maps = _unit_maps(layer, activations.astype(np.int8 if bits == 1 else np.int64))
    sums = np.zeros((layer.out_channels, places.shape[1]), dtype=integer)
    add = _fetch_and_add if plan.mode == "lut" else _add_directly
    blocks_per_group = len(plan.blocks) // layer.groups
    first = 0
    for number, block in enumerate(plan.blocks):
        outputs = slice(first, first + block.outputs)
        first += block.outputs
        for units in _units_at_once(plan, places.shape[1]):
            patches = np.where(
                inside, maps[number // blocks_per_group, units].take(places, axis=2), 0
            )
            dots = Dots(patches, bits, integer)
            add(plan, kernels.subset, kernels.indices[outputs, units], dots, sums[outputs])
    shape = (layer.out_channels, len(activations), len(rows), layer.out_width)
    return sums.reshape(shape).astype(np.int64)


def _units_at_once(plan: LayerPlan, pixels: int) -> Iterator[slice]:
    """Yield the units of every input block, or as many of them as fit in memory at once."""
    held = max(plan.pass_entries) if plan.mode == "lut" else plan.layer.unit_weights
    most = max(1, _HELD // (pixels * held))
    first = 0
    for units in plan.group_units:
        for begin in range(first, first + units, most):
            yield slice(begin, min(begin + most, first + units))
        first += units


def _unit_maps(layer: Layer, activations: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """[groups, units, channels of a unit, images x height x width] the input, unit by unit.

    The last vector of a 1x1 layer may have fewer channels; the missing channels are 0.
    """
    maps = activations.transpose(1, 0, 2, 3).reshape(
        layer.groups, layer.in_channels // layer.groups, -1
    )
    missing = layer.units_in * layer.unit_channels - maps.shape[1]
    if missing:
        maps = np.pad(maps, ((0, 0), (0, missing), (0, 0)))
    return maps.reshape(layer.groups, layer.units_in, layer.unit_channels, -1)


def patch_positions(
    layer: Layer, images: int, rows: range
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the input positions of each output pixel's patch: both [rows x columns, pixels].

    The first array has positions in a flattened [images, height, width] map. The second array is
    true for positions inside the map. A position outside is padding and adds 0; its number is that
    of another pixel.
    """
    image, row, column = (
        part.ravel()
        for part in np.meshgrid(
            np.arange(images), np.array(rows), np.arange(layer.out_width), indexing="ij"
        )
    )
    offsets = (
        np.arange(size) * dilation - padding
        for size, dilation, padding in zip(
            layer.kernel_sides, layer.dilations, layer.paddings, strict=True
        )
    )
    down, right = (part.reshape(-1, 1) for part in np.meshgrid(*offsets, indexing="ij"))
    y, x = row * layer.strides.height + down, column * layer.strides.width + right
    inside = (y >= 0) & (y < layer.in_height) & (x >= 0) & (x < layer.in_width)
    y, x = y.clip(0, layer.in_height - 1), x.clip(0, layer.in_width - 1)
    return (image * layer.in_height + y) * layer.in_width + x, inside


class Dots:
    """The dot units of some PEs, each with the patches of its input unit."""

    def __init__(
        self,
        patches: NDArray[np.signedinteger],
        bits: int,
        integer: type[np.signedinteger],
    ) -> None:
        """Take patches [units, channels of a unit, rows x columns, pixels] as bit planes.

        At 1 bit the plane holds -1 and +1, and 0 for padding.
        """
        units, channels, window, self.pixels = patches.shape
        self.units, self._integer = units, integer
        values = patches.transpose(1, 2, 0, 3).reshape(channels * window, units, self.pixels)
        planes = [values] if bits == 1 else [values >> bit & 1 for bit in range(bits)]
        self._planes = [plane.astype(np.float32) for plane in planes]

    def of(self, ids: Ids, unit: int | None = None) -> NDArray[np.signedinteger]:
        """[kernels, units x pixels] dot products with every unit's patches, or with one unit's."""
        signs = signs_of(ids, len(self._planes[0])).astype(np.float32)
        parts = [plane if unit is None else plane[:, unit] for plane in self._planes]
        total = (signs @ parts[0].reshape(len(parts[0]), -1)).astype(self._integer)
        for bit, part in enumerate(parts[1:], start=1):
            total += (signs @ part.reshape(len(part), -1)).astype(self._integer) << bit
        return total


def _fetch_and_add(
    plan: LayerPlan,
    subset: Ids,
    indices: Indices,
    dots: Dots,
    sums: NDArray[np.signedinteger],
) -> None:
    """Fill every PE's LUT pass by pass, fetch each output's entry by index, and add it."""
    base = 0
    for entries in plan.pass_entries:
        table = dots.of(subset[base : base + entries]).reshape(-1, dots.pixels)
        for unit in range(dots.units):
            wanted = indices[:, unit].astype(np.int64) - base
            if entries == len(subset):
                sums += table.take(wanted * dots.units + unit, axis=0)
            else:
                (mine,) = np.nonzero((wanted >= 0) & (wanted < entries))
                sums[mine] += table.take(wanted[mine] * dots.units + unit, axis=0)
        base += entries


def _add_directly(
    plan: LayerPlan,  # noqa: ARG001 # the signature of _fetch_and_add
    subset: Ids,
    indices: Indices,
    dots: Dots,
    sums: NDArray[np.signedinteger],
) -> None:
    """Expand each output's kernel from the subset, and add its dot product at once."""
    for unit in range(dots.units):
        sums += dots.of(subset[indices[:, unit]], unit)
