"""The maps that stay on chip from the layer that writes them to the last layer that reads them.

If all fit, all stay. Otherwise the mapper decides copy by copy, the copy with the shortest life
first, again and again until no other fits. A copy stays if it fits in every layer of its life,
together with the copies that already stay and with the space that the layer needs for its own data.
docs/vector.md gives the reasons.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from msgspec import Struct, structs

from simulator.machines.vector.fusion import Epilogue, Fusion
from simulator.machines.vector.writers import writers_of
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

T = TypeVar("T")


class OnChip(Struct, frozen=True, kw_only=True):
    """The maps on chip while a layer runs."""

    operands: tuple[bool, ...] = ()
    """For each map that the layer reads, in the order of its edges: true if it is on chip."""
    shortcuts: tuple[bool, ...] = ()
    """The same for the maps that the additions fused into the layer read."""
    kept: tuple[int, ...] = ()
    """Bits of the copies of its outputs that stay on chip; DRAM gets the others."""
    space: int = 0
    """Bytes of all maps on chip while the layer runs, with those that it reads and writes."""

    @property
    def all_operands(self) -> bool:
        """True if the layer reads no map from DRAM except shortcuts."""
        return bool(self.operands) and all(self.operands)

    def leaving(self, copies: tuple[int, ...]) -> tuple[int, ...]:
        """Bits of the copies that DRAM gets."""
        return tuple(bits for bits in copies if bits not in self.kept)

    def shortcuts_in_dram(self, of_all: tuple[T, ...]) -> tuple[T, ...]:
        """Return what belongs to the shortcuts that come from DRAM, of what belongs to all."""
        here = self.shortcuts or (False,) * len(of_all)
        return tuple(one for one, on_chip in zip(of_all, here, strict=True) if not on_chip)

    def written(self, copies: tuple[int, ...], of_all: tuple[T, ...]) -> tuple[T, ...]:
        """Return what belongs to the writes, of what belongs to all copies.

        If no copy leaves, the first has a write of 0 bytes.
        """
        found = (one for bits, one in zip(copies, of_all, strict=True) if bits not in self.kept)
        return tuple(found) or of_all[:1]

    def from_dram(self, epilogue: Epilogue | None) -> Epilogue | None:
        """The epilogue without the reads of shortcuts that are on chip."""
        if epilogue is None:
            return None
        bits = self.shortcuts_in_dram(epilogue.shortcut_bits)
        return structs.replace(epilogue, shortcut_bits=bits)


IN_DRAM = OnChip()
"""All maps are in DRAM."""

WHY_NETWORK_ONLY = "only scope network has the edges between all layers (--scope network)"
"""The reason why the key has no effect in another scope, as a clause."""
NETWORK_ONLY = f"memory.activations on_chip has no effect because {WHY_NETWORK_ONLY}."
"""The note of a run in another scope."""

Fits = Callable[[AnyLayer, OnChip], bool]
"""True if a layer, with these maps on chip, has the space that it has with all maps in DRAM."""


class Copy(NamedTuple):
    """The outputs of a layer in one width."""

    writer: str
    """The layer that writes it."""
    bits: int


class Map(NamedTuple):
    """Copies that layers read together: one, or those that a fused concatenation joins."""

    copies: frozenset[Copy]
    life: range
    """Places in the order of execution, from the first writer to the last reader."""
    bytes: int
    obstacle: str | None = None
    """The first layer in which it does not fit; None: it stays on chip."""

    @property
    def on_chip(self) -> bool:
        """True if it stays on chip."""
        return self.obstacle is None


class _Uses:
    """The writers and the readers of each copy."""

    def __init__(self, fusion: Fusion) -> None:
        self.fusion = fusion
        self.places = {name: place for place, name in enumerate(fusion.maps.layers)}
        """The place of each layer in the order of execution."""
        self._writers = writers_of(fusion)

    def operands(self, layer: AnyLayer) -> list[frozenset[Copy]]:
        """The copies that make up each map that a layer reads."""
        bits = self.fusion.maps.read_bits(layer)
        return [self._copies(name, bits) for name in sources(layer)]

    def shortcuts(self, layer: AnyLayer) -> list[frozenset[Copy]]:
        """The copies that make up each map that the additions fused into a layer read."""
        if isinstance(layer, VectorLayer):
            return []
        bits = self.fusion.maps.wide_bits
        return [self._copies(name, bits) for name in self.fusion.shortcuts(layer)]

    def results(self) -> Iterator[frozenset[Copy]]:
        """Yield the copies of the network's results, which DRAM gets."""
        maps = self.fusion.maps
        for name, readers in maps.readers.items():
            if not readers:
                yield from (self._copies(name, bits) for bits in maps.widths[name])

    def _copies(self, name: str, bits: int) -> frozenset[Copy]:
        return frozenset(Copy(writer, bits) for writer in self._writers[name])


@dataclass(frozen=True)
class Residency:
    """The mapper's decisions for all maps of a network."""

    uses: _Uses
    maps: tuple[Map, ...] = ()
    """Maps that may stay on chip, in the order of the mapper's decisions."""

    def of(self, layer: AnyLayer) -> OnChip:
        """Return the maps on chip while a layer runs."""
        here = [one for one in self.maps if one.on_chip]
        kept = frozenset[Copy]().union(*(one.copies for one in here))
        operands, shortcuts = self.uses.operands(layer), self.uses.shortcuts(layer)
        place = self.uses.places[layer.name]
        return OnChip(
            operands=tuple(copies <= kept for copies in operands),
            shortcuts=tuple(copies <= kept for copies in shortcuts),
            kept=tuple(
                bits for bits in self.uses.fusion.copies(layer) if Copy(layer.name, bits) in kept
            ),
            space=sum(one.bytes for one in here if place in one.life),
        )

    @property
    def spilled(self) -> tuple[str, ...]:
        """Names of the layers that write a map to DRAM because it does not fit, in their order."""
        found = {x.writer for one in self.maps if not one.on_chip for x in one.copies}
        return tuple(name for name in self.uses.places if name in found)

    @property
    def with_all_maps(self) -> "Residency":
        """The decisions if all maps fitted."""
        return Residency(self.uses, tuple(one._replace(obstacle=None) for one in self.maps))

    def with_map(self, one: Map) -> "Residency":
        """Return the decisions with one more map."""
        return Residency(self.uses, (*self.maps, one))


def resident_maps(fusion: Fusion, fits: Fits) -> Residency:
    """Decide for every map of a network whether it stays on chip.

    Args:
        fusion: the network, with the widths of its maps.
        fits: the family's rule.

    """
    uses = _Uses(fusion)
    running = [x for x in fusion.maps.layers.values() if x.name not in fusion.fused]
    left = sorted(_candidates(uses, running), key=_priority)
    everything = Residency(uses, tuple(left))
    if all(fits(layer, everything.of(layer)) for layer in running):
        return everything
    decided, tried = Residency(uses), 0
    while len(left) != tried:  # a map that stays frees the slots of its outputs
        tried, again = len(left), list[Map]()
        for one in left:
            trial = decided.with_map(one._replace(obstacle=None))
            alive = (x for x in running if uses.places[x.name] in one.life)
            obstacle = next((x.name for x in alive if not fits(x, trial.of(x))), None)
            if obstacle is None:
                decided = trial
            else:
                again.append(one._replace(obstacle=obstacle))
        left = again
    return Residency(uses, (*decided.maps, *left))


def _priority(one: Map) -> tuple[int, int, int]:
    """A shorter life first, then in the order of execution, then the smaller map."""
    return len(one.life), one.life.start, one.bytes


def _candidates(uses: _Uses, running: Iterable[AnyLayer]) -> Iterator[Map]:
    """Yield the maps that may stay on chip: all but the image and the results."""
    readers = dict[frozenset[Copy], int]()
    for layer in running:
        for copies in (*uses.operands(layer), *uses.shortcuts(layer)):
            readers[copies] = uses.places[layer.name]
    results = frozenset[Copy]().union(*uses.results())
    for copies in _joined(readers):
        if any(one.writer == "input" for one in copies) or copies & results:
            continue
        last = max(place for read, place in readers.items() if read <= copies)
        first = min(uses.places[one.writer] for one in copies)
        size = sum(_bytes(uses.fusion, one) for one in copies)
        yield Map(copies=copies, life=range(first, last + 1), bytes=size)


def _joined(reads: Iterable[frozenset[Copy]]) -> list[frozenset[Copy]]:
    """Unite sets of copies that overlap: a layer reads all its operands from one place."""
    found = list[frozenset[Copy]]()
    for copies in reads:
        near = [one for one in found if one & copies]
        found = [one for one in found if not one & copies] + [copies.union(*near)]
    return found


def _bytes(fusion: Fusion, copy: Copy) -> int:
    layer = fusion.maps.layers[copy.writer]
    values = fusion.workload.batch * layer.out_pixels * layer.out_channels
    return -(-values * copy.bits // 8)
