"""The vector layers that run on the way of a layer's results to DRAM, instead of by themselves.

A layer with weights takes the vector layers that follow it, one after another, as long as

- the vector layer is a normalization, an activation function or an addition,
- it is the only reader of the map before it, and
- its other operands exist before the layer with weights begins.

Concatenation and shuffling are fused wherever they are: layers write their values at once to the
places at which the next layers read them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from msgspec import Struct

from simulator.base.errors import InputError
from simulator.machines.vector.schema import Vector
from simulator.workload import Layer, Workload
from simulator.workload.maps import Maps
from simulator.workload.vector_layer import MOVES, AnyLayer, VectorLayer, sources

_IN_PLACE = frozenset({"norm", "activation", "add"})
"""Kinds that need no other value of their map than the one that they return."""


class Work(Struct, frozen=True, kw_only=True):
    """The work of the vector unit on an output value of a vector layer."""

    lane_cycles: int
    multiplications: int
    additions: int
    """Additions and comparisons."""
    bits: int
    """Width of its operations."""


class Epilogue(Struct, frozen=True, kw_only=True):
    """The work of the vector unit on each output of a layer with weights."""

    lanes: int
    lane_cycles: int
    """Cycles of a lane for an output."""
    value_bits: int
    """Bits of an output before the vector unit."""
    shortcut_bits: tuple[int, ...]
    """Bits that each addition reads from DRAM for an output."""

    def cycles(self, values: int) -> int:
        """Cycles of the unit for some outputs."""
        return -(-values * self.lane_cycles // self.lanes)


@dataclass(frozen=True)
class Fusion:
    """The widths of all maps of a network on a machine, and the vector layers that are fused."""

    workload: Workload
    vector: Vector | None
    """None: the machine has no vector unit, and no vector layer runs."""
    full_precision_bits: int
    """Bits of an operand in full precision."""

    @cached_property
    def maps(self) -> Maps:
        """Readers and widths of all maps."""
        fused = self.vector is not None and self.vector.fused
        return Maps(self.workload, self.full_precision_bits, MOVES if fused else frozenset())

    @cached_property
    def chains(self) -> dict[str, tuple[VectorLayer, ...]]:
        """The vector layers fused into each layer with weights, by the name of the latter."""
        if self.vector is None or not self.vector.fused:
            return {}
        places = {name: place for place, name in enumerate(self.maps.layers)}
        found = {}
        for layer in self.workload.layers:
            chain = tuple(self._following(layer, places))
            if chain:
                found[layer.name] = chain
        return found

    def _following(self, layer: Layer, places: dict[str, int]) -> Iterator[VectorLayer]:
        end: AnyLayer = layer
        while len(readers := self.maps.readers[end.name]) == 1:
            after = self.maps.layers[readers[0]]
            if not isinstance(after, VectorLayer) or after.kind not in _IN_PLACE:
                return
            others = list(after.reads)
            others.remove(end.name)
            if any(name == "input" or places[name] > places[layer.name] for name in others):
                return
            yield after
            end = after

    @cached_property
    def fused(self) -> frozenset[str]:
        """Names of the vector layers without commands of their own."""
        moves = {x.name for x in self.workload.vector_layers if x.kind in self.maps.free_moves}
        return frozenset(moves.union(one.name for chain in self.chains.values() for one in chain))

    @cached_property
    def inside(self) -> frozenset[str]:
        """Names of the layers whose values go to the next layer of their chain, not to DRAM."""
        chains = self.chains.items()
        return frozenset(
            name for head, chain in chains for name in (head, *(one.name for one in chain[:-1]))
        )

    def epilogue(self, layer: Layer) -> Epilogue | None:
        """The work of the vector unit on a layer's outputs; None: they go to DRAM at once."""
        chain = self.chains.get(layer.name)
        if chain is None:
            return None
        assert self.vector is not None  # otherwise there is no chain
        shortcuts = sum(one.operands - 1 for one in chain if one.kind == "add")
        return Epilogue(
            lanes=self.vector.lanes,
            lane_cycles=sum(self.work(x).lane_cycles for x in chain),
            value_bits=self.maps.wide_bits,
            shortcut_bits=(self.maps.wide_bits,) * shortcuts,
        )

    def work(self, layer: VectorLayer) -> Work:
        """The work of the vector unit on an output value of a vector layer."""
        assert self.vector is not None
        narrow = () if layer.name in self.inside else self.narrow_copies(layer)
        thresholds_only = layer.kind == "norm" and len(narrow) == len(self.copies(layer))
        bits = self.maps.own_bits(layer)
        main = 0 if thresholds_only else self.vector.main_cycles(layer)
        cycles = main + len(narrow) * self.vector.cycles.quantize
        return Work(
            lane_cycles=cycles * self.vector.passes(bits),
            multiplications=int(layer.kind == "norm" and not thresholds_only),
            additions=layer.additions + len(narrow),
            bits=bits,
        )

    def narrow_copies(self, layer: VectorLayer) -> tuple[int, ...]:
        """Bits of the copies of a layer's map that have fewer bits than its values."""
        own = self.maps.own_bits(layer)
        return tuple(bits for bits in self.copies(layer) if bits < own)

    def written_map(self, layer: AnyLayer) -> str:
        """The map that a layer writes, after the layers fused into it, by its layer's name."""
        return self.chains.get(layer.name, (layer,))[-1].name

    def copies(self, layer: AnyLayer) -> tuple[int, ...]:
        """Bits per value of every copy that a layer writes, after the layers fused into it."""
        return self.maps.widths[self.written_map(layer)]

    def written_bits(self, layer: AnyLayer) -> int:
        """Bits per value that a layer writes, with all copies."""
        return sum(self.copies(layer))

    def shortcuts(self, layer: Layer) -> tuple[str, ...]:
        """The maps that the additions fused into a layer read, by the names of their layers."""
        found: list[str] = []
        end: AnyLayer = layer
        for one in self.chains.get(layer.name, ()):
            others = list(sources(one))
            others.remove(end.name)
            found += others
            end = one
        return tuple(found)


def fusion_of(workload: Workload, vector: Vector | None, full_precision_bits: int) -> Fusion:
    """Return the widths and the fused layers of a configured network.

    Args:
        workload: a configured workload.
        vector: the machine's vector unit.
        full_precision_bits: bits of an operand in full precision.

    Raises:
        InputError: the network has vector layers, but the machine has no vector unit.

    """
    if workload.scope == "network" and vector is None:
        raise InputError(
            "scope network: the hardware file has no vector unit; add the section vector "
            "(vector.lanes), or use scope weights"
        )
    return Fusion(workload, vector, full_precision_bits)
