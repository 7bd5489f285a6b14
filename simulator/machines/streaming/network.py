"""The stages of a network, the maps between them, and the bits of these maps."""

from dataclasses import dataclass
from functools import cached_property

from simulator.base.errors import InputError
from simulator.machines.streaming.folding import plan_of
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.shapes import Map, Shape
from simulator.workload import Layer, Workload
from simulator.workload.maps import Maps
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

INPUT = "input"
_IN_THRESHOLDS = frozenset({"norm", "activation"})


@dataclass(frozen=True)
class Network:
    """A configured network as a pipeline.

    Raises:
        InputError: the network cannot run as a pipeline.

    """

    workload: Workload
    hardware: Streaming

    def __post_init__(self) -> None:
        """Refuse what no stage computes."""
        net = self.workload
        if net.scope != "network":
            raise InputError(
                f"scope {net.scope}: a streaming pipeline runs whole networks; use scope network"
            )
        if self.hardware.dram.timing != "fixed":
            raise InputError(
                f"memory.dram.timing {self.hardware.dram.timing}: the DMA units of a pipeline have "
                "a fixed rate; use fixed"
            )
        if net.unknown_edges is not None:
            raise InputError(f"network {net.name}: a pipeline needs its edges: {net.unknown_edges}")
        for layer in net.all_layers:
            if layer.images > 1 or getattr(layer, "kind", "") == "regions":
                raise InputError(f"layer {layer.name}: no stage computes regions of a map")

    @cached_property
    def maps(self) -> Maps:
        """Readers and widths of all maps."""
        return Maps(self.workload, self.hardware.full_precision.bits)

    @cached_property
    def folded(self) -> dict[str, str]:
        """The layers that the thresholds of a stage compute, each with the stage's layer."""
        found: dict[str, str] = {}
        for layer in self.maps.layers.values():
            if not isinstance(layer, VectorLayer) or layer.kind not in _IN_THRESHOLDS:
                continue
            (read,) = layer.reads
            head = found.get(read, read)
            if (
                head != INPUT
                and isinstance(self.maps.layers[head], Layer)
                and self.maps.readers[read] == (layer.name,)
            ):
                found[layer.name] = head
        return found

    def read_by(self, name: str) -> str:
        """Return the first map that a layer reads, by its layer."""
        return next(sources(self.maps.layers[name]))

    def giver(self, name: str) -> str:
        """Return the layer whose stage writes a map."""
        return self.folded.get(name, name)

    @cached_property
    def layers(self) -> tuple[AnyLayer, ...]:
        """The layers that have stages, in order."""
        return tuple(x for x in self.maps.layers.values() if x.name not in self.folded)

    @cached_property
    def last_of(self) -> dict[str, str]:
        """The last layer in each stage's thresholds, by the stage's layer."""
        return {head: name for name, head in self.folded.items()}

    @cached_property
    def readers(self) -> dict[str, list[tuple[str, int]]]:
        """The readers of each stage's map, in order: a layer, and the number of its input."""
        found: dict[str, list[tuple[str, int]]] = {INPUT: []}
        found |= {layer.name: [] for layer in self.layers}
        for layer in self.layers:
            for number, read in enumerate(sources(layer)):
                found[self.giver(read)].append((layer.name, number))
        return found

    def map_of(self, name: str) -> Map:
        """Return the map that a stage writes, by its layer; `input` is the image."""
        if name == INPUT:
            (first, *_) = [self.maps.layers[reader] for reader, _ in self.readers[INPUT]]
            return Map(
                name=INPUT,
                channels=first.in_channels,
                size=Sides(self.workload.input_height, self.workload.input_width),
                bits=max(self.maps.read_bits(self.maps.layers[r]) for r, _ in self.readers[INPUT]),
            )
        layer = self.maps.layers[name]
        return Map(
            name=name,
            channels=layer.out_channels,
            size=Sides(layer.out_height, layer.out_width),
            bits=self.maps.widths[self.last_of.get(name, name)][0],
        )

    @cached_property
    def plans(self) -> dict[str, Plan]:
        """The stages' layers with their parallelism, by name.

        Raises:
            InputError: a fold of a layer is impossible.

        """
        return {shape.name: plan_of(shape, self.hardware) for shape in self.shapes()}

    def shapes(self) -> list[Shape]:
        """Return every stage's shape, in order."""
        return [self._shape(layer) for layer in self.layers]

    def _has_vectors_in_words(self, layer: Layer) -> bool:
        """False if words of a pixel cannot hold the vectors of a layer of shared kernels.

        A linear layer numbers its features channel after channel, so that its vectors lie across
        the pixels of a larger map. Vectors of a group begin with its first channel.
        """
        if not layer.has_vectors:
            return True
        channels = layer.in_channels // layer.groups
        (read,) = sources(layer)
        flat = self.map_of(self.giver(read)).channels != layer.in_channels
        return not flat and (layer.groups == 1 or channels % layer.unit_channels == 0)

    def _shape(self, layer: AnyLayer) -> Shape:
        shared = False
        weight_bits = 0
        if isinstance(layer, Layer):
            can_share = self.hardware.shared_kernels == "lut" and self._has_vectors_in_words(layer)
            sub_bit = layer.tau is not None and layer.tau < layer.unit_weights
            shared = sub_bit and can_share
            weight_bits = self.hardware.full_precision.bits if layer.full_precision else 1
        return Shape(
            layer=layer,
            source=self.map_of(self.giver(next(sources(layer)))),
            in_bits=self.maps.read_bits(layer),
            target=self.map_of(layer.name),
            shared=shared,
            weight_bits=weight_bits,
            thresholds=layer.name in self.last_of,
        )
