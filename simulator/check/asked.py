"""Requests of layers for the maps that they read, and the maps that exist only as codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from simulator.check.forward import Codes, Forward
from simulator.workload.maps import Maps
from simulator.workload.vector_layer import ORDERED, VectorLayer, sources

MOST_FOLDED_BITS = 8
"""Most bits of a code for which a normalization becomes thresholds, 2^bits - 1 of them."""


@dataclass(frozen=True)
class Asked:
    """The codes that layers read. The forward pass must have run."""

    maps: Maps
    forward: Forward

    @cached_property
    def only_codes(self) -> Mapping[str, Codes]:
        """The maps that only binary layers read, through layers that return what they read."""
        found: dict[str, Codes] = {}
        for name, layer in reversed(self.maps.layers.items()):
            asked = {self._of(reader, found) for reader in self._readers[name]}
            if not isinstance(layer, VectorLayer) or len(asked) != 1:
                continue
            only = asked.pop()
            folded = layer.kind == "norm" and only and only.bits <= MOST_FOLDED_BITS
            if only and (folded or layer.kind in ORDERED):
                found[name] = only
        return found

    def code(self, name: str) -> Codes | None:
        """Return the code that a layer reads; None: it reads numbers."""
        return self._of(name, self.only_codes)

    def widest(self, name: str) -> Codes | None:
        """Return the widest code of a map that only binary layers read, otherwise None.

        `input` is the image.
        """
        asked = [self.code(reader) for reader in self._readers[name]]
        codes = [one for one in asked if one is not None]
        if not codes or len(codes) < len(asked):
            return None
        return max(codes, key=lambda one: (one.bits, one.exponent))

    @cached_property
    def _readers(self) -> dict[str, tuple[str, ...]]:
        layers = self.maps.layers.values()
        of_image = tuple(layer.name for layer in layers if "input" in sources(layer))
        return {**self.maps.readers, "input": of_image}

    def _of(self, name: str, found: Mapping[str, Codes]) -> Codes | None:
        reader = self.maps.layers[name]
        if isinstance(reader, VectorLayer):
            return found.get(name) if reader.kind in ORDERED else None
        return None if reader.full_precision else self.forward.codes_of(reader)
