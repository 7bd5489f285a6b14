"""The DRAM address of each transfer.

A layer has regions for its weights, inputs, outputs, and spilled partial sums. They follow each
other, each aligned to a DRAM row of all channels. A region has the tiles of its transfers in the
order of their first use, each in whole bursts. A tile keeps its address when it moves again. The
partial sums of the same piece have the same address in every strip. No layer reads the region that
another layer writes.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulator.base.errors import InputError
from simulator.dram.tables import dram_timing
from simulator.machines.categories import REFRESHES, ROW_MISSES
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import Index
from simulator.machines.systolic.records import Fold, Piece, Tile
from simulator.machines.systolic.schema import Systolic
from simulator.machines.systolic.vocabulary import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
)
from simulator.program import SharedDram


class Move(NamedTuple):
    """A transfer: its region, its tile, and its bytes."""

    region: str
    tile: Hashable
    size: int


Moves = Callable[[MappedLayer], Iterator[Move]]
"""The transfers of a unit in a layer, in the order of time."""


def shared_dram(layers: Sequence[MappedLayer], machine: Systolic) -> SharedDram | None:
    """Return the machine's DRAM and the addresses of all transfers; None without a DRAM table.

    Raises:
        InputError: the DRAM table is wrong, or too small for the network.

    """
    timing = None if machine.memory.ideal else dram_timing(machine.dram, machine.clock_ghz)
    if timing is None:
        return None
    addresses = Addresses(tuple(layers), timing.channels * timing.columns * timing.burst_bytes)
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

    def __init__(self, layers: tuple[MappedLayer, ...], align: int) -> None:
        """Place the tiles of all layers.

        Args:
            layers: the layers of a program.
            align: bytes of a DRAM row of all channels.

        """
        self.layers = layers
        self.size = 0
        """Bytes of all regions."""
        self._known: list[dict[tuple[str, Hashable], int]] = []
        for layer in layers:
            known: dict[tuple[str, Hashable], int] = {}
            for moves in (weight_loads, input_reads, writes):
                by_region: dict[str, dict[Hashable, int]] = {}
                for region, tile, size in moves(layer):
                    by_region.setdefault(region, {}).setdefault(tile, size)
                for region, tiles in by_region.items():
                    self.size = -(-self.size // align) * align
                    for tile, size in tiles.items():
                        known[region, tile] = self.size
                        self.size += size
            self._known.append(known)

    def of(self, moves: Moves) -> Iterator[int]:
        """Yield the address of each transfer of a unit."""
        for layer, known in zip(self.layers, self._known, strict=True):
            for region, tile, _ in moves(layer):
                yield known[region, tile]


@dataclass(frozen=True, slots=True)
class _Place:
    """Numbers of a fold and of a piece in it."""

    group: int
    strip: int
    place: int
    piece: int

    def tile(self, index: Index) -> Hashable:
        """Name the tile of an operand that the piece uses."""
        return {
            "strip": (self.group, self.strip, self.piece),
            "place": (self.group, self.place, self.piece),
            "fold": (self.group, self.strip, self.place),
        }[index]


def _folds(layer: MappedLayer) -> Iterator[tuple[_Place, Fold]]:
    for group, strips in enumerate(layer.records.groups.written_out):
        for strip, places in enumerate(strips.written_out):
            for place, fold in enumerate(places.written_out):
                yield _Place(group, strip, place, 0), fold


def _pieces(layer: MappedLayer) -> Iterator[tuple[_Place, Piece]]:
    for at, fold in _folds(layer):
        for number, piece in enumerate(fold.pieces.written_out):
            yield _Place(at.group, at.strip, at.place, number), piece


def weight_loads(layer: MappedLayer) -> Iterator[Move]:
    """Yield the loads of weights."""
    index = layer.plan.weights.index
    if index == "fold":
        return _loads("weights", index, ((at, fold.stationary) for at, fold in _folds(layer)))
    return _loads("weights", index, ((at, piece.weights) for at, piece in _pieces(layer)))


def input_reads(layer: MappedLayer) -> Iterator[Move]:
    """Yield the reads of inputs."""
    index = layer.plan.inputs.index
    if index == "fold":
        return _loads("inputs", index, ((at, fold.stationary) for at, fold in _folds(layer)))
    return _loads("inputs", index, ((at, piece.inputs) for at, piece in _pieces(layer)))


def _loads(
    region: str, index: Index, tiles: Iterable[tuple[_Place, Tile | None]]
) -> Iterator[Move]:
    for at, tile in tiles:
        if tile is not None and tile.load_bytes:
            yield Move(region, at.tile(index), tile.load_bytes)


def sum_reads(layer: MappedLayer) -> Iterator[Move]:
    """Yield the reads of spilled partial sums."""
    for at, piece in _pieces(layer):
        if piece.sums.returning_bytes:
            yield Move("sums", at.piece, piece.sums.returning_bytes)


def writes(layer: MappedLayer) -> Iterator[Move]:
    """Yield the writes of outputs and of partial sums."""
    for at, piece in _pieces(layer):
        if piece.sums.leaving_bytes:
            region = "sums" if piece.sums.partial else "outputs"
            tile = at.piece if piece.sums.partial else at
            yield Move(region, tile, piece.sums.leaving_bytes)
