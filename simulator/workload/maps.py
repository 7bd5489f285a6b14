"""The maps of a network: who reads whose output, and in how many bits.

The path of residual additions is not binary. A layer writes its map once for every width that its
readers need: the signs for the next binary layer, and `shortcut_bits` for an addition.

- A binary layer reads its activation bits.
- A layer in full precision reads the operands of its machine, `full_precision.bits`.
- Max pooling, concatenation and shuffling return values that they read. They therefore read the
  widest map that their own readers need. Concatenation and shuffling that only decide where values
  are written (`free_moves`) need every width of their readers.
- Normalization, activation functions, additions and average pooling compute with `shortcut_bits`.
  The network's results have this width, too. Without a binary layer, the width is that of
  operands in full precision.
"""

from dataclasses import dataclass
from functools import cached_property

from simulator.workload.vector_layer import ORDERED, AnyLayer, VectorLayer, sources
from simulator.workload.workload import Workload


@dataclass(frozen=True)
class Maps:
    """The maps of a configured network on a machine."""

    workload: Workload
    full_precision_bits: int
    """Bits of an operand in full precision."""
    free_moves: frozenset[str] = frozenset()
    """Kinds of layers that move no value, because layers write to the places of their readers."""

    @cached_property
    def layers(self) -> dict[str, AnyLayer]:
        """All layers by name, in the order of execution."""
        return {layer.name: layer for layer in self.workload.all_layers}

    @cached_property
    def readers(self) -> dict[str, tuple[str, ...]]:
        """The layers that read each layer's map, by name."""
        found: dict[str, list[str]] = {name: [] for name in self.layers}
        for layer in self.layers.values():
            for name in sources(layer):
                if name in found:
                    found[name].append(layer.name)
        return {name: tuple(names) for name, names in found.items()}

    @property
    def wide_bits(self) -> int:
        """Bits per value outside binary layers."""
        binary = bool(self.workload.binary_layers)
        return self.workload.shortcut_bits if binary else self.full_precision_bits

    @cached_property
    def widths(self) -> dict[str, tuple[int, ...]]:
        """The bits per value of every copy of a layer's map, the widest first."""
        found: dict[str, tuple[int, ...]] = {}
        for name in reversed(self.layers):
            asked: set[int] = set()
            for reader in map(self.layers.__getitem__, self.readers[name]):
                moved = isinstance(reader, VectorLayer) and reader.kind in self.free_moves
                asked |= set(found[reader.name]) if moved else {self._read(reader, found)}
            found[name] = tuple(sorted(asked or {self.wide_bits}, reverse=True))
        return found

    def read_bits(self, layer: AnyLayer) -> int:
        """Bits per value that a layer reads."""
        return self._read(layer, self.widths)

    def own_bits(self, layer: VectorLayer) -> int:
        """Bits of the values that a vector layer computes, or returns."""
        return self.widths[layer.name][0] if layer.kind in ORDERED else self.wide_bits

    def _read(self, layer: AnyLayer, widths: dict[str, tuple[int, ...]]) -> int:
        if isinstance(layer, VectorLayer):
            return widths[layer.name][0] if layer.kind in ORDERED else self.wide_bits
        if layer.full_precision:
            return self.full_precision_bits
        return self.workload.input_bits(layer)
