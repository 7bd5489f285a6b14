"""The transfers of each DMA unit, in the order of time, by the data that they move."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import Index
from simulator.machines.systolic.records import Fold, Piece, Tile
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.plan import Place


class Move(NamedTuple):
    """A transfer: its region, its tile, and its bytes."""

    region: str
    tile: Hashable
    size: int


AnyMapped = MappedLayer | MappedVector
Moves = Callable[[AnyMapped], Iterator[Move]]
"""The transfers of a unit in a layer, in the order of time."""


def copy(number: int) -> str:
    """Return the region of a copy of a layer's outputs."""
    return f"copy {number}"


def operand(number: int) -> str:
    """Return the region of a map that a vector layer reads, or of an addition's other operand."""
    return f"operand {number}"


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
        yield from _pieces_of(at, fold)


def _pieces_of(at: _Place, fold: Fold) -> Iterator[tuple[_Place, Piece]]:
    for number, piece in enumerate(fold.pieces.written_out):
        yield _Place(at.group, at.strip, at.place, number), piece


def weight_loads(layer: AnyMapped) -> Iterator[Move]:
    """Yield the loads of weights."""
    if isinstance(layer, MappedVector):
        return
    index = layer.plan.weights.index
    if index == "fold":
        for at, fold in _folds(layer):
            yield from _load("weights", at.tile(index), fold.stationary)
    else:
        for at, piece in _pieces(layer):
            yield from _load("weights", at.tile(index), piece.weights)


def input_reads(layer: AnyMapped) -> Iterator[Move]:
    """Yield the reads of inputs, of shortcut values, and of a vector layer's operands."""
    if isinstance(layer, MappedVector):
        for number, place in enumerate(_places(layer)):
            for source, size in enumerate(layer.plan.read_bytes(place)):
                if size:
                    yield Move(operand(source), number, size)
        return
    index, epilogue = layer.plan.inputs.index, layer.plan.epilogue
    additions = 0 if epilogue is None else len(epilogue.shortcut_bits)
    shortcuts = layer.plan.on_chip.shortcuts_in_dram(tuple(range(additions)))
    for at, fold in _folds(layer):
        if index == "fold":
            yield from _load("inputs", at.tile(index), fold.stationary)
        for piece_at, piece in _pieces_of(at, fold):
            if index != "fold":
                yield from _load("inputs", piece_at.tile(index), piece.inputs)
            for source, size in zip(shortcuts, piece.sums.shortcut_bytes, strict=False):
                yield Move(operand(source), piece_at, size)


def _load(region: str, name: Hashable, tile: Tile | None) -> Iterator[Move]:
    if tile is not None and tile.load_bytes:
        yield Move(region, name, tile.load_bytes)


def sum_reads(layer: AnyMapped) -> Iterator[Move]:
    """Yield the reads of spilled partial sums."""
    if isinstance(layer, MappedVector):
        return
    for at, piece in _pieces(layer):
        if piece.sums.returning_bytes:
            yield Move("sums", at.piece, piece.sums.returning_bytes)


def writes(layer: AnyMapped) -> Iterator[Move]:
    """Yield the writes of outputs and of partial sums."""
    every = layer.plan.copies
    copies = layer.plan.on_chip.written(every, tuple(range(len(every))))
    if isinstance(layer, MappedVector):
        for number, place in enumerate(_places(layer)):
            for written, size in zip(copies, layer.plan.written_bytes(place), strict=True):
                yield Move(copy(written), number, size)
        return
    for at, piece in _pieces(layer):
        if piece.sums.partial:
            (size,) = piece.sums.leaving_bytes
            yield Move("sums", at.piece, size)
            continue
        for written, size in zip(copies, piece.sums.leaving_bytes, strict=False):
            yield Move(copy(written), at, size)


def _places(layer: MappedVector) -> Iterator[Place]:
    """Yield the chunks of a vector layer, which has none if it is fused."""
    for _ in range(0 if layer.fused else layer.batch * layer.layer.images):
        yield from layer.plan.places
