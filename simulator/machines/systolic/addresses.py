"""The DRAM address of each transfer.

A layer has regions for its weights, inputs, outputs, and spilled partial sums. They follow each
other, each aligned to a DRAM row of all channels. A region has the tiles of its transfers in the
order of their first use, each in whole bursts. A tile keeps its address when it moves again. The
partial sums of the same piece have the same address in every strip.

If the whole network runs, a layer has no region for inputs: it reads the regions of the layers that
write its map (`read_maps.py`). In other scopes, no layer reads the region that another layer
writes, because layers between them do not run.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import accumulate

from simulator.base.errors import InputError
from simulator.dram.tables import dram_timing
from simulator.machines.categories import REFRESHES, ROW_MISSES
from simulator.machines.systolic.moves import (
    AnyMapped,
    Moves,
    copy,
    input_reads,
    sum_reads,
    weight_loads,
    writes,
)
from simulator.machines.systolic.read_maps import Edges, ReadMap, Written
from simulator.machines.systolic.schema import Systolic
from simulator.machines.systolic.vocabulary import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
)
from simulator.machines.vector.fusion import Fusion
from simulator.program import SharedDram


def shared_dram(
    layers: Sequence[AnyMapped], machine: Systolic, fusion: Fusion | None = None
) -> SharedDram | None:
    """Return the machine's DRAM and the addresses of all transfers; None without a DRAM table.

    Args:
        layers: the layers of a program.
        machine: the array.
        fusion: the maps of the network, if the whole network runs.

    Raises:
        InputError: the DRAM table is wrong, or too small for the network.

    """
    timing = None if machine.memory.ideal else dram_timing(machine.dram, machine.clock_ghz)
    if timing is None:
        return None
    align = timing.channels * timing.columns * timing.burst_bytes
    edges = None if fusion is None else Edges(fusion, timing.burst_bytes)
    addresses = Addresses(tuple(layers), align, edges)
    if addresses.size > timing.capacity:
        raise InputError(
            f"memory.dram: the network needs {addresses.size:,} bytes, {machine.dram.timing} with "
            f"{timing.channels} channels of {timing.ranks} ranks has {timing.capacity:,}"
        )
    return SharedDram(
        timing=timing,
        gap=timing.burst_bytes / machine.dma_channel.bytes_per_cycle,
        streams={
            DRAM_WEIGHTS: lambda: addresses.of(weight_loads),
            DRAM_INPUTS: lambda: addresses.of(input_reads),
            DRAM_SUMS: lambda: addresses.of(sum_reads),
            DRAM_OUTPUTS: lambda: addresses.of(writes),
        },
        writers=frozenset({DRAM_OUTPUTS}),
        row_miss=ROW_MISSES,
        refresh=REFRESHES,
    )


class Addresses:
    """First byte of each tile of each layer."""

    def __init__(
        self, layers: tuple[AnyMapped, ...], align: int, edges: Edges | None = None
    ) -> None:
        """Place the tiles of all layers.

        Args:
            layers: the layers of a program.
            align: bytes of a DRAM row of all channels.
            edges: the edges of the network, if the whole network runs.

        """
        self.layers = layers
        self.size = 0
        """Bytes of all regions."""
        self._align = align
        self._known: list[dict[tuple[str, Hashable], int]] = []
        written: Written = {}
        if edges is not None:
            written["input", copy(0)] = self._region(edges.image_bytes)
        for layer in layers:
            read = {} if edges is None else edges.maps_of(layer, written)
            self._known.append(self._placed(layer, read, written))

    def _placed(
        self, layer: AnyMapped, read: Mapping[str, ReadMap], written: Written
    ) -> dict[tuple[str, Hashable], int]:
        """Return the addresses of a layer's tiles; add its own regions to those of others."""
        known: dict[tuple[str, Hashable], int] = {}
        for moves in (weight_loads, input_reads, writes):
            by_region: dict[str, dict[Hashable, int]] = {}
            for region, tile, size in moves(layer):
                by_region.setdefault(region, {}).setdefault(tile, size)
            for region, tiles in by_region.items():
                offsets = accumulate(tiles.values(), initial=0)
                if region in read:
                    for (tile, size), offset in zip(tiles.items(), offsets, strict=False):
                        known[region, tile] = read[region].at(offset, size)
                        self.size = max(self.size, known[region, tile] + size)
                    continue
                space = self._region(sum(tiles.values()))
                for tile, offset in zip(tiles, offsets, strict=False):
                    known[region, tile] = space.start + offset
                written[layer.layer.name, region] = space
        return known

    def _region(self, size: int) -> range:
        """Return the bytes of a new region."""
        start = -(-self.size // self._align) * self._align
        self.size = start + size
        return range(start, self.size)

    def of(self, moves: Moves) -> Iterator[int]:
        """Yield the address of each transfer of a unit."""
        for layer, known in zip(self.layers, self._known, strict=True):
            for region, tile, _ in moves(layer):
                yield known[region, tile]
