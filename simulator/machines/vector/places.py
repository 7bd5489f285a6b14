"""The places of maps in DRAM, by the edges of a network.

Every copy of a map has a region of its own. Values are in the order image, row, column, channel. If
concatenation or shuffling is fused, a map is in the region of the layer that reads it: it has some
of the channels of each pixel. The first such layer decides if several read a map.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from simulator.base.columns import Ints
from simulator.machines.vector.fusion import Fusion
from simulator.workload import Layer
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

_Number = TypeVar("_Number", int, Ints)


class MapPlace(NamedTuple):
    """A copy of a map in DRAM."""

    base: int
    """First byte of its region."""
    pixel_channels: int
    """Channels of a pixel of the region."""
    first: int
    """First channel of the map in the region."""
    bits: int
    """Bits per value."""
    pixels: int
    """Pixels of the map, over all images."""

    def byte(self, pixel: _Number, channel: _Number) -> _Number:
        """Offset in the region of a value; pixels after the last are the first again."""
        at = pixel % self.pixels * self.pixel_channels + self.first + channel
        return at * self.bits // 8

    def burst(self, pixel: _Number, channel: _Number, burst_bytes: int) -> _Number:
        """Address of the burst with a value."""
        return self.base + self.byte(pixel, channel) // burst_bytes * burst_bytes


class _Home(NamedTuple):
    """The layer whose region has a map, and the map's first channel in it."""

    owner: str
    first: int


@dataclass(frozen=True)
class MapPlaces:
    """The places of all copies of a network's maps."""

    fusion: Fusion
    places: dict[tuple[str, int], MapPlace]
    """By the name of the map's layer, and the bits of the copy."""

    def read(self, layer: AnyLayer) -> tuple[MapPlace, ...]:
        """The places of the maps that a layer reads."""
        bits = self.fusion.maps.read_bits(layer)
        return tuple(self._seen(name, layer, bits) for name in sources(layer))

    def shortcuts(self, layer: Layer) -> tuple[MapPlace, ...]:
        """The places of the maps that the additions fused into a layer read."""
        bits = self.fusion.maps.wide_bits
        return tuple(self.places[name, bits] for name in self.fusion.shortcuts(layer))

    def written(self, layer: AnyLayer) -> tuple[MapPlace, ...]:
        """The places of all copies that a layer writes."""
        name = self.fusion.written_map(layer)
        return tuple(self.places[name, bits] for bits in self.fusion.copies(layer))

    def _seen(self, name: str, layer: AnyLayer, bits: int) -> MapPlace:
        """The place of a map for a layer that reads it.

        A fully connected layer reads a map of several pixels as one pixel of as many channels.
        """
        place = self.places[name, bits]
        if isinstance(layer, VectorLayer) or name == "input":
            return place
        channels = self.fusion.maps.layers[name].out_channels
        if layer.in_channels == channels:
            return place
        pixels = self.fusion.workload.batch * layer.images * layer.in_height * layer.in_width
        return MapPlace(place.base, layer.in_channels, 0, bits, pixels)


def places_of(fusion: Fusion, take: Callable[[int], int]) -> MapPlaces:
    """Place all maps of a network.

    Args:
        fusion: the network, with the widths of its maps.
        take: reserves a region of some bytes, and returns its first byte.

    """
    homes, batch = _homes(fusion), fusion.workload.batch
    places: dict[tuple[str, int], MapPlace] = {}
    for layer in fusion.maps.layers.values():
        bits = fusion.maps.read_bits(layer)
        if "input" in sources(layer) and ("input", bits) not in places:
            pixels = batch * layer.in_height * layer.in_width
            base = take(-(-pixels * layer.in_channels * bits // 8))
            places["input", bits] = MapPlace(base, layer.in_channels, 0, bits, pixels)
        for width in fusion.maps.widths[layer.name]:
            owner, first = homes[layer.name, width]
            one = fusion.maps.layers[owner]
            if (owner, width) not in places:
                pixels = batch * one.out_pixels
                base = take(-(-pixels * one.out_channels * width // 8))
                places[owner, width] = MapPlace(base, one.out_channels, 0, width, pixels)
            places[layer.name, width] = places[owner, width]._replace(first=first)
    return MapPlaces(fusion, places)


def _homes(fusion: Fusion) -> dict[tuple[str, int], _Home]:
    """The home of every copy of every map: its own region, or that of a layer that moves it."""
    maps, homes = fusion.maps, dict[tuple[str, int], _Home]()
    for name in reversed(maps.layers):
        for bits in maps.widths[name]:
            homes[name, bits] = _Home(name, 0)
            for reader in map(maps.layers.__getitem__, reversed(maps.readers[name])):
                if not isinstance(reader, VectorLayer) or reader.kind not in maps.free_moves:
                    continue
                if bits in maps.widths[reader.name]:
                    owner, first = homes[reader.name, bits]
                    homes[name, bits] = _Home(owner, first + _before(reader, name))
    return homes


def _before(reader: VectorLayer, name: str) -> int:
    """Channels that a concatenation has before a map; a shuffle has none."""
    return sum(reader.operand_channels[: reader.reads.index(name)])
