"""The addresses of a vector layer's reads and writes, in the order of its commands."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.vector.places import MapPlace
from simulator.machines.vector.plan import Place, VectorPlan


class _First(NamedTuple):
    """The first value of a transfer in an image."""

    number: int
    """Number of the map that it reads, or of the copy that it writes."""
    pixel: int
    channel: int


def read_addresses(plan: VectorPlan, maps: Sequence[MapPlace]) -> Ints:
    """[reads] address of each read of a layer.

    Regions of a map depend on the image. Their reads begin at the start of the map again and again.

    Args:
        plan: the layer.
        maps: the place of each map that it reads.

    """
    layer = plan.layer
    pixels = layer.in_height * layer.in_width
    firsts = [one for place in plan.places for one in _reads(plan, place)]
    return _addresses(plan, firsts, maps, pixels)


def write_addresses(plan: VectorPlan, copies: Sequence[MapPlace]) -> Ints:
    """[writes] address of each write of a layer.

    Args:
        plan: the layer.
        copies: the place of each copy that it writes.

    """
    pixels = plan.layer.out_height * plan.layer.out_width
    firsts = [one for place in plan.places for one in _writes(plan, place)]
    return _addresses(plan, firsts, copies, pixels)


def _reads(plan: VectorPlan, place: Place) -> Iterator[_First]:
    """Yield the reads of a chunk: the new rows under it, of every map."""
    rows, _ = plan.new_rows[place.row]
    columns = plan.columns_under(place.columns)
    channels = _channels_before(plan)[place.part]
    for number, size in enumerate(plan.read_bytes(place)):
        if size:
            pixel = rows.start * plan.layer.in_width + columns.start
            yield _First(number, pixel, channels[number])


def _writes(plan: VectorPlan, place: Place) -> Iterator[_First]:
    """Yield the writes of a chunk: all copies of its results."""
    channels = _channels_before(plan)[place.part]
    first = sum(channels) if plan.layer.kind == "concat" else channels[0]
    pixel = place.row * plan.layer.out_width + place.columns.start
    for number in range(len(plan.written_bytes(place))):
        yield _First(number, pixel, first)


def _channels_before(plan: VectorPlan) -> list[tuple[int, ...]]:
    """[parts][maps] channels of earlier parts."""
    of_maps = zip(*plan.channel_parts, strict=True)
    before = [list(accumulate(channels, initial=0)) for channels in of_maps]
    return list(zip(*before, strict=True))


def _addresses(
    plan: VectorPlan, firsts: Sequence[_First], places: Sequence[MapPlace], pixels: int
) -> Ints:
    """[images x transfers] the burst of each first value; an image has `pixels` pixels."""
    images = np.arange(plan.batch * plan.layer.images)[:, np.newaxis] * pixels
    found = np.zeros((len(images), len(firsts)), dtype=np.int64)
    for number, place in enumerate(places):
        mine = [at for at, first in enumerate(firsts) if first.number == number]
        pixel = np.array([firsts[at].pixel for at in mine], dtype=np.int64)
        channel = np.array([firsts[at].channel for at in mine], dtype=np.int64)
        found[:, mine] = place.burst(images + pixel, channel, plan.buffer.burst_bytes)
    return found.ravel()
