"""The regions of a program's tensors in DRAM, each aligned to a DRAM row of all channels.

The regions follow each other:

- a layer's weights: weight tiles in the order of their first use, each in whole bursts. The first
  includes the subset. A weight tile has the same address in every load.
- a layer's input: values in the order image, row, column, channel.
- a layer's output: values in the same order.

In scope `network`, layers read the regions that earlier layers in the network write; see
`simulator.machines.vector.places`. In the other scopes, the program lacks the layers between. The
input is then the output region of the previous layer if the shapes match; otherwise (after pooling,
for instance) it is a region that no layer writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.base.columns import Ints
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.places import MapPlace, places_of
from simulator.workload.vector_layer import VectorLayer

AnyMapped = MappedLayer | MappedVector


class Regions(NamedTuple):
    """The places of a layer's tensors."""

    weights: int
    """First byte of the weights."""
    inputs: tuple[MapPlace, ...]
    """The maps that it reads."""
    shortcuts: tuple[MapPlace, ...]
    """The maps that its epilogue adds."""
    outputs: tuple[MapPlace, ...]
    """The copies that it writes."""


@dataclass(slots=True)
class _Space:
    """Allocator of consecutive regions."""

    align: int
    top: int = 0

    def take(self, size: int) -> int:
        """Reserve a region and return its first byte."""
        base = self.top
        self.top += -(-size // self.align) * self.align
        return base


def weight_tiles(plan: LayerPlan) -> Ints:
    """[weight tiles] bytes of each weight tile, in whole bursts; the first includes the subset."""
    sizes = plan.stored_table.ravel().copy()
    sizes[0] += plan.subset_bytes
    return plan.in_bursts(sizes)


def regions_by_shape(plans: Sequence[LayerPlan], align: int) -> tuple[list[Regions], int]:
    """Return the regions of layers with weights alone, and the bytes of all regions together."""
    space, regions, previous = _Space(align), list[Regions](), None
    for plan in plans:
        weights = space.take(int(weight_tiles(plan).sum()))
        inputs = own_inputs(plan)
        if previous is not None and reads_output(plan, previous):
            inputs = inputs._replace(base=regions[-1].outputs[0].base)
        else:
            inputs = inputs._replace(base=space.take(_size(inputs)))
        outputs = own_outputs(plan)
        outputs = outputs._replace(base=space.take(_size(outputs)))
        regions.append(Regions(weights, (inputs,), (), (outputs,)))
        previous = plan
    return regions, space.top


def regions_by_edges(
    layers: Sequence[AnyMapped], fusion: Fusion, align: int
) -> tuple[list[Regions], int]:
    """Return the regions of all layers of a network, and the bytes of all regions together."""
    space = _Space(align)
    weights = [
        0 if isinstance(one, MappedVector) else space.take(int(weight_tiles(one.plan).sum()))
        for one in layers
    ]
    places, regions = places_of(fusion, space.take), []
    for one, first in zip(layers, weights, strict=True):
        layer = one.layer
        shortcuts = () if isinstance(layer, VectorLayer) else places.shortcuts(layer)
        shortcuts = one.plan.on_chip.shortcuts_in_dram(shortcuts)
        outputs = one.plan.on_chip.written(fusion.copies(layer), places.written(layer))
        regions.append(Regions(first, places.read(layer), shortcuts, outputs))
    return regions, space.top


def own_inputs(plan: LayerPlan) -> MapPlace:
    """The place of a layer's input in a region of its own at byte 0."""
    layer = plan.layer
    pixels = plan.batch * layer.images * layer.in_height * layer.in_width
    return MapPlace(0, layer.in_channels, 0, plan.activation_bits, pixels)


def own_outputs(plan: LayerPlan) -> MapPlace:
    """The place of a layer's only copy of its output in a region of its own at byte 0."""
    (bits,) = plan.copies
    return MapPlace(0, plan.layer.out_channels, 0, bits, plan.pixels)


def _size(place: MapPlace) -> int:
    """Bytes of a map with a region of its own."""
    return -(-place.pixels * place.pixel_channels * place.bits // 8)


def reads_output(plan: LayerPlan, previous: LayerPlan) -> bool:
    """True if a layer's input has the shape of the previous layer's output."""
    layer, before = plan.layer, previous.layer
    return (layer.in_channels, layer.in_height, layer.in_width, layer.images) == (
        before.out_channels,
        before.out_height,
        before.out_width,
        before.images,
    ) and (plan.activation_bits,) == previous.copies
