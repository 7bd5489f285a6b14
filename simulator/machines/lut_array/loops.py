"""The loops of all units of the array: over transfers, and over the output tiles in them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TypeVar

from simulator.machines.lut_array.records import Layer, OutputBlock, OutputTile, Transfer
from simulator.program import Body, Writer

Seen = TypeVar("Seen")


def transfers(
    layer: Layer, do: Writer, sees: Callable[[Transfer], Seen]
) -> Iterator[tuple[OutputBlock, Seen]]:
    """Write a loop over all transfers, in the order of time.

    Args:
        layer: the layer.
        do: the unit's writer.
        sees: returns the values of a transfer that the unit uses; equal values share commands.

    """
    kept: defaultdict[OutputBlock, dict[Seen, Body]] = defaultdict(dict)
    for wide_map in do.each(layer.maps):
        for row in do.each(wide_map):
            for part in do.each(row):
                for image in do.each(part.images):
                    for seen in do.each(image.seen(sees), kept[part.block]):
                        yield part.block, seen


def output_tiles(
    layer: Layer, do: Writer, sees: Callable[[OutputTile], Seen]
) -> Iterator[tuple[OutputBlock, Seen]]:
    """Write a loop over all output tiles, in the order of time; see `transfers`."""
    kept: defaultdict[OutputBlock, dict[Seen, Body]] = defaultdict(dict)
    for block, tiles in transfers(layer, do, lambda transfer: transfer.tiles.seen(sees)):
        for seen in do.each(tiles, kept[block]):
            yield block, seen
