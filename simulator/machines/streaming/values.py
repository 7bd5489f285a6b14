"""The values that the units of a pipeline compute: a function for each operator.

Each function yields the words that its unit writes for an image, in order, and takes words of its
input when it needs them. `streams.py` runs the units' programs with these words.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.streaming.compute import in_order
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.stages import (
    Add,
    Concat,
    Converter,
    FetchAdd,
    Fork,
    MatrixVector,
    Pad,
    Pool,
    SharedDots,
    Shuffle,
    Stage,
    Threshold,
    Weights,
    Windows,
)
from simulator.machines.streaming.streams import Input, StreamError
from simulator.machines.streaming.words import Format, Word
from simulator.machines.written import Arithmetic
from simulator.workload import Layer
from simulator.workload.kernels import signs_of
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import sources

Words = Iterator[Any]


@dataclass(frozen=True, eq=False)
class Unit:
    """A unit with its inputs, and the formats of the words around it."""

    stage: Stage
    plan: Plan
    network: Network
    arithmetic: Arithmetic
    inputs: dict[Fifo, Input]

    @property
    def layer(self) -> Any:
        """The layer in whose stage it is."""
        return self.plan.layer

    @property
    def read(self) -> Input:
        """Its only input."""
        return self.inputs[self.stage.source]

    @cached_property
    def number(self) -> int:
        """The number of the layer's input that it belongs to, from 0: the last part of its name."""
        last = self.stage.name.rpartition(".")[2]
        return int(last) - 1 if last.isdigit() else 0

    # --- formats ----------------------------------------------------------------------------------

    @cached_property
    def given(self) -> tuple[Format, ...]:
        """The formats of the maps that the layer reads."""
        givers = map(self.network.giver, sources(self.layer))
        return tuple(map_format(giver, self.network, self.arithmetic) for giver in givers)

    @cached_property
    def entering(self) -> Format:
        """The format of what the layer reads of these maps."""
        return Format(self.plan.shape.in_bits, self.arithmetic.reads_codes(self.layer))

    @cached_property
    def out(self) -> Format:
        """The format of the stage's map."""
        return map_format(self.layer.name, self.network, self.arithmetic)

    # --- values -----------------------------------------------------------------------------------

    def values(self, words: Sequence[Word], lanes: int, number: int = 0) -> Ints:
        """[words, lanes] values that the stage reads of its input with this number.

        A threshold unit in front of the stage has made them if they have fewer bits than their map.
        """
        given = self.given[number]
        if given.bits > self.entering.bits:
            return self.entering.unpacked(words, lanes)
        values = self.arithmetic.read(self.layer, number, given.unpacked(words, lanes))
        outside = [place for place, word in enumerate(words) if word is None]
        values[outside] = 0
        return values

    def packed(self, values: Ints) -> Iterator[int]:
        """Yield the words of some channels of the stage's map."""
        pe = self.plan.fold.pe
        for first in range(0, len(values), pe):
            yield self.out.packed(values[first : first + pe])


def map_format(giver: str, network: Network, arithmetic: Arithmetic) -> Format:
    """Return the format of the map that a layer's stage writes."""
    name = network.last_of.get(giver, giver)
    return Format(network.map_of(giver).bits, arithmetic.carries_codes(name))


# --- operators that keep values -------------------------------------------------------------------


def fork(unit: Unit) -> Words:
    """Pass every word on."""
    for _ in range(unit.stage.source.words):
        yield unit.read()


def converter(unit: Unit) -> Words:
    """Cut the bits of a packet into words of another width, or a whole window into parts."""
    source, target = unit.stage.source, unit.stage.target
    if unit.stage.name == f"{unit.layer.name}.convert":
        taps = unit.plan.fold.simd // unit.plan.lanes
        for _ in range(source.words):
            window = unit.read()
            for first in range(0, len(window), taps):
                yield window[first : first + taps]
        return
    packets = _packets(unit, source, target)
    bits = min(source.words * source.bits, target.words * target.bits) // packets
    for _ in range(packets):
        held, have, taken = 0, 0, 0
        for _ in range(target.words // packets):
            while have < target.bits and taken < bits:
                held |= unit.read() << have
                have, taken = have + source.bits, taken + source.bits
            yield held & (1 << target.bits) - 1
            held, have = held >> target.bits, have - target.bits


def _packets(unit: Unit, source: Fifo, target: Fifo) -> int:
    """Return pixels if both streams begin a word with every pixel, otherwise 1: the image."""
    shape = unit.plan.shape
    leaves = unit.stage.name.startswith(f"{unit.layer.name}.convert_out")
    giver = unit.network.giver([*sources(unit.layer)][unit.number])
    given = shape.target if leaves else unit.network.map_of(giver)
    bits = given.channels * (given.bits if leaves else shape.in_bits)
    whole = all(one.words == given.pixels * -(-bits // one.bits) for one in (source, target))
    return given.pixels if whole else 1


def pad(unit: Unit) -> Words:
    """Put words of padding around the map."""
    shape, words = unit.plan.shape, unit.plan.pixel_words
    (above, left), _ = shape.margins
    for row, column in product(*map(range, shape.padded)):
        y, x = row - above, column - left
        inside = 0 <= y < shape.source.size.height and 0 <= x < shape.source.size.width
        for _ in range(words):
            yield unit.read() if inside else None


def windows(unit: Unit) -> Words:
    """Write the words of every window, group after group and tap after tap.

    In front of a pooling unit, a group is a word of channels. A unit that takes whole windows gets
    all taps of some channels in a word.
    """
    places = window_places(unit.plan)
    needed = np.minimum.accumulate(places.min(axis=1)[::-1])[::-1]
    assert isinstance(unit.stage, Windows)
    most = unit.stage.buffer_bits // unit.plan.in_bits
    kept: list[Word] = []
    for first, wanted in zip(needed.tolist(), places.tolist(), strict=True):
        while len(kept) <= max(wanted):
            kept.append(unit.read())
        if most and len(kept) + len(unit.read.waiting) - first > most:
            raise StreamError(f"{unit.stage.name} keeps more than {most} words")
        words = [kept[place] for place in wanted]
        yield tuple(words) if unit.plan.takes_windows else words[0]


def window_places(plan: Plan) -> Ints:
    """[words out, words in of each] the words of the padded map, by number, in every word out."""
    shape, words, layer = plan.shape, plan.pixel_words, plan.layer
    if isinstance(layer, Layer):
        sides, dilations, parts = layer.kernel_sides, layer.dilations, layer.groups
    else:
        sides, dilations, parts = layer.window, Sides(1, 1), words
    y, x, part, down, right, word = np.ogrid[
        : shape.out.height, : shape.out.width, :parts, : sides[0], : sides[1], : words // parts
    ]
    row = y * layer.strides.height + down * dilations[0]
    column = x * layer.strides.width + right * dilations[1]
    places: Ints = (row * shape.padded.width + column) * words + part * (words // parts) + word
    if plan.takes_windows:
        return places.transpose(0, 1, 2, 5, 3, 4).reshape(-1, shape.taps)
    return places.reshape(-1, 1)


# --- operators on values --------------------------------------------------------------------------


def threshold(unit: Unit) -> Words:
    """Compare with thresholds: in a stage of its own, or in front of one that reads fewer bits."""
    if unit.stage.name.rpartition(".")[2] in {"norm", "activation"}:
        yield from elementwise(unit)
        return
    given = unit.given[unit.number]
    lanes = unit.stage.source.bits // given.bits
    for _ in range(unit.stage.source.words):
        (values,) = given.unpacked([unit.read()], lanes)
        yield unit.entering.packed(unit.arithmetic.read(unit.layer, unit.number, values))


def elementwise(unit: Unit) -> Words:
    """Combine the values of a word of every input."""
    lanes = unit.plan.lanes
    per_pixel = unit.plan.pixel_words
    reads = [unit.inputs[one] for one in unit.stage.sources]
    for place in range(unit.plan.shape.out_pixels * per_pixel):
        operands = [unit.values([read()], lanes, n)[0] for n, read in enumerate(reads)]
        first = place % per_pixel * lanes
        yield from unit.packed(unit.arithmetic.results(unit.layer, operands, first))


def concat(unit: Unit) -> Words:
    """Pass the words of a pixel of one map after those of another."""
    stage: Any = unit.stage
    for _ in range(stage.pixels):
        for number, (source, words) in enumerate(zip(stage.sources, stage.words, strict=True)):
            for _ in range(words):
                (values,) = unit.values([unit.inputs[source]()], unit.plan.lanes, number)
                yield from unit.packed(unit.arithmetic.joined(unit.layer, number, values))


def shuffle(unit: Unit) -> Words:
    """Keep the channels of a pixel and write them in another order."""
    layer, words = unit.layer, unit.plan.pixel_words
    for _ in range(unit.plan.shape.out_pixels):
        values = unit.values([unit.read() for _ in range(words)], unit.plan.lanes)
        yield from unit.packed(values.reshape(layer.groups, -1).T.ravel())


def pool(unit: Unit) -> Words:
    """Combine the values of every window, word by word of a pixel."""
    plan, shape, words = unit.plan, unit.plan.shape, unit.plan.pixel_words
    if not plan.pools_map and not plan.pools_blocks:
        for _ in range(shape.out_pixels * words):
            yield from _pooled(unit, [unit.read() for _ in range(shape.taps)])
        return
    size, (high, wide) = shape.source.size, unit.layer.window
    for _ in range(size.height // high):
        rows = [unit.read() for _ in range(high * size.width * words)]
        for column, word in product(range(size.width // wide), range(words)):
            window = [
                rows[(y * size.width + column * wide + x) * words + word]
                for y, x in product(range(high), range(wide))
            ]
            yield from _pooled(unit, window)


def _pooled(unit: Unit, window: list[Word]) -> Iterator[int]:
    """Yield the pooled word of a window; a maximum leaves padding out."""
    if unit.layer.kind == "max_pool":
        window = [word for word in window if word is not None] or window
    values = unit.values(window, unit.plan.lanes)
    yield from unit.packed(unit.arithmetic.pooled(unit.layer, values))


# --- operators with weights -----------------------------------------------------------------------


def matrix_vector(unit: Unit) -> Words:
    """Multiply every window by the weights, and write the outputs of a fold after the fold."""
    stage: Any = unit.stage
    layer, pe = unit.layer, unit.plan.fold.pe
    weights = _weights(unit)
    streamed = None if stage.weights is None else unit.inputs[stage.weights]
    size = layer.out_channels // layer.groups
    for _, group in product(range(unit.plan.shape.out_pixels), range(layer.groups)):
        words = [unit.read() for _ in range(stage.synapse_folds)]
        if unit.plan.takes_windows:
            words = [tap for word in words for tap in word]
        window = unit.values(words, unit.plan.lanes).ravel()
        outputs = range(group * size, (group + 1) * size)
        if streamed is None:
            yield from _outputs(unit, weights[outputs.start : outputs.stop] @ window, outputs)
            continue
        for first in outputs[::pe]:
            yield from _outputs(unit, streamed() @ window, range(first, first + pe))


def _weights(unit: Unit) -> Ints:
    """[out_channels, values of a window] weights in the order of a window's words."""
    return in_order(unit.plan, unit.arithmetic.weights(unit.layer)).reshape(
        unit.layer.out_channels, -1
    )


def weights(unit: Unit) -> Words:
    """Stream the weights of every fold from DRAM."""
    whole, pe = _weights(unit), unit.plan.fold.pe
    for _, first in product(range(unit.plan.shape.out_pixels), range(0, len(whole), pe)):
        yield whole[first : first + pe]


def shared_dots(unit: Unit) -> Words:
    """Fill a bank: the dot products of all kernels of the subset, for every input kernel."""
    layer, stage = unit.layer, unit.stage
    kernels = unit.arithmetic.kernels(layer)
    signs = signs_of(kernels.subset, kernels.unit_weights).astype(np.int64)
    simd = unit.plan.fold.simd
    channels = layer.in_channels // layer.groups
    for _, table in product(range(stage.pixels), range(stage.tables)):  # type: ignore[attr-defined]
        word = unit.read()
        if layer.has_vectors:
            values = unit.values(
                word if isinstance(word, tuple) else [word], unit.plan.lanes
            ).ravel()
            values[max(0, channels - table * unit.plan.lanes) :] = 0
            patches = values.reshape(simd, layer.unit_channels)
        else:
            patches = unit.values(word, simd).T
        yield patches @ signs.T


def fetch_add(unit: Unit) -> Words:
    """Add the entry of every table that an output's index names."""
    stage: Any = unit.stage
    indices = unit.arithmetic.kernels(unit.layer).indices
    size = unit.layer.out_channels // unit.layer.groups
    banks = unit.inputs[stage.banks]
    for _, group in product(range(unit.plan.shape.out_pixels), range(unit.layer.groups)):
        tables = np.concatenate([banks() for _ in range(stage.tables)])
        outputs = range(group * size, (group + 1) * size)
        mine = indices[outputs.start : outputs.stop]
        sums = tables[np.arange(mine.shape[1]), mine].sum(axis=1)
        yield from _outputs(unit, sums, outputs)


def _outputs(unit: Unit, sums: Ints, outputs: range) -> Iterator[int]:
    """Yield the words of some outputs of a pixel, from their sums."""
    yield from unit.packed(unit.arithmetic.results(unit.layer, [sums], outputs.start))


def image_words(image: Ints, form: Format, bits: int) -> Words:
    """Yield the words of an image [channels, height, width] from DRAM, without gaps."""
    values = image.transpose(1, 2, 0).ravel()
    stored = values > 0 if form.bits == 1 else values
    digits = (stored.astype(np.int64)[:, None] >> np.arange(form.bits) & 1).ravel()
    padded = np.pad(digits, (0, -len(digits) % bits)).reshape(-1, bits).astype(np.uint8)
    for row in np.packbits(padded, axis=1, bitorder="little"):
        yield int.from_bytes(row.tobytes(), "little")


def map_of_words(words: list[int], form: Format, plan: Plan) -> Ints:
    """[images, channels, height, width] a stage's map from the words that it wrote."""
    target = plan.shape.target
    values = form.unpacked(words, plan.fold.pe)
    whole = values.reshape(-1, *target.size, target.channels)
    return whole.transpose(0, 3, 1, 2)


OPERATORS: dict[type[Stage], Callable[[Unit], Words]] = {
    Fork: fork,
    Converter: converter,
    Pad: pad,
    Windows: windows,
    Threshold: threshold,
    Add: elementwise,
    Concat: concat,
    Shuffle: shuffle,
    Pool: pool,
    MatrixVector: matrix_vector,
    Weights: weights,
    SharedDots: shared_dots,
    FetchAdd: fetch_add,
}
