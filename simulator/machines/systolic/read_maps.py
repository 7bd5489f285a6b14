"""The addresses at which a layer reads maps that other layers write.

A reader walks through the copy of the map that it needs. It reads its tiles in the order of their
first use, and begins again at the first byte after the last: windows overlap. ASSUMED: the model
ignores that a reader's tiles may have another order than the writer's.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.machines.systolic.moves import AnyMapped, copy, operand
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.writers import writers_of
from simulator.workload.vector_layer import sources

Written = dict[tuple[str, str], range]
"""The bytes of each region, by the name of its layer and its own name."""


@dataclass(frozen=True, slots=True)
class ReadMap:
    """The regions of a map's parts, one for each layer that writes a part."""

    parts: tuple[range, ...]

    def at(self, offset: int, size: int) -> int:
        """Return the address of a transfer.

        Args:
            offset: bytes that the reader's earlier tiles have.
            size: bytes of the transfer; it begins early enough to end in its part, if it can.

        """
        left = offset % sum(map(len, self.parts))
        for part in self.parts:
            if left < len(part):
                break
            left -= len(part)
        return max(part.start, min(part.start + left, part.stop - size))


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

    def maps_of(self, mapped: AnyMapped, written: Written) -> dict[str, ReadMap]:
        """Return the maps that a layer reads, by the name of the region in its moves.

        A fused layer reads none.

        Args:
            mapped: the layer.
            written: the regions of earlier layers.

        """
        maps = self._fusion.maps
        if mapped.layer.name in self._fusion.fused:
            return {}
        if isinstance(mapped, MappedVector):
            operands, bits = tuple(sources(mapped.layer)), maps.read_bits(mapped.layer)
            found = {}
        else:
            operands, bits = self._fusion.shortcuts(mapped.layer), maps.wide_bits
            (source,) = sources(mapped.layer)
            found = {"inputs": self._map(source, maps.read_bits(mapped.layer), written)}
        return found | {
            operand(n): self._map(source, bits, written) for n, source in enumerate(operands)
        }

    def _map(self, source: str, bits: int, written: Written) -> ReadMap:
        """Return the copy of a map that has some bits per value."""
        return ReadMap(
            tuple(written[name, self._copy(name, bits)] for name in self._writers[source])
        )

    def _copy(self, writer: str, bits: int) -> str:
        """Name the region of a copy; the image has one."""
        if writer == "input":
            return copy(0)
        return copy(self._fusion.copies(self._fusion.maps.layers[writer]).index(bits))
