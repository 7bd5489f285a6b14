"""The addresses at which a layer reads maps that other layers write.

A layer writes all copies of a piece of its map next to each other. A reader of one copy passes over
the others. It reads its tiles in the order of their first use, and begins again at the first byte
after the last. ASSUMED: the model ignores the jumps within a tile, and that a reader's tiles may
have another order than the writer's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.machines.systolic.moves import AnyMapped, operand
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.writers import writers_of
from simulator.workload.vector_layer import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The region of a layer that writes a map, or a part of it."""

    region: range
    share: Fraction
    """The share of the copy that the reader needs in the bytes of the region."""

    @property
    def size(self) -> int:
        """Bytes of the copy."""
        return max(1, int(len(self.region) * self.share))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMap:
    """A map from the view of a reader."""

    parts: tuple[_Part, ...]
    burst_bytes: int

    def at(self, offset: int, size: int) -> int:
        """Return the address of a transfer.

        Args:
            offset: bytes of the copy before it.
            size: its bytes.

        """
        left = offset % sum(part.size for part in self.parts)
        for part in self.parts:
            if left < part.size:
                break
            left -= part.size
        start = part.region.start + int(left / part.share) // self.burst_bytes * self.burst_bytes
        return max(part.region.start, min(start, part.region.stop - size))


class Edges:
    """The edges of a network, as regions: who reads which bytes."""

    def __init__(self, fusion: Fusion, burst_bytes: int) -> None:
        """Take the edges of a network.

        Args:
            fusion: its maps, and the layers that are fused.
            burst_bytes: bytes of a DRAM burst.

        """
        self._fusion = fusion
        self._burst_bytes = burst_bytes
        self._writers = writers_of(fusion)

    @property
    def image_bytes(self) -> int:
        """Bytes of the network's input in whole bursts, in the widest form that a layer reads."""
        fusion = self._fusion
        readers = (x for x in fusion.maps.layers.values() if "input" in sources(x))
        values = (
            fusion.maps.read_bits(x) * x.in_channels * x.in_height * x.in_width for x in readers
        )
        bursts = ceil(Fraction(fusion.workload.batch * max(values), 8 * self._burst_bytes))
        return bursts * self._burst_bytes

    def maps_of(self, mapped: AnyMapped, written: Mapping[str, range]) -> dict[str, ReadMap]:
        """Return the maps that a layer reads, by the name of the region in its moves.

        Args:
            mapped: the layer.
            written: the regions that earlier layers write, by layer.

        """
        maps = self._fusion.maps
        if isinstance(mapped, MappedVector):
            names = {operand(n): source for n, source in enumerate(sources(mapped.layer))}
            bits = dict.fromkeys(names, maps.read_bits(mapped.layer))
        else:
            shortcuts = self._fusion.shortcuts(mapped.layer)
            names = {operand(n): source for n, source in enumerate(shortcuts)}
            bits = dict.fromkeys(names, maps.wide_bits)
            (names["inputs"],) = sources(mapped.layer)
            bits["inputs"] = maps.read_bits(mapped.layer)
        return {
            region: self._map(source, bits[region], written) for region, source in names.items()
        }

    def _map(self, source: str, bits: int, written: Mapping[str, range]) -> ReadMap:
        """Return a map in the form of some bits per value."""
        parts = tuple(
            _Part(region=written[name], share=self._share(name, bits))
            for name in self._writers[source]
        )
        return ReadMap(parts=parts, burst_bytes=self._burst_bytes)

    def _share(self, writer: str, bits: int) -> Fraction:
        if writer == "input":
            return Fraction(1)
        layer = self._fusion.maps.layers[writer]
        return Fraction(bits, self._fusion.written_bits(layer))
