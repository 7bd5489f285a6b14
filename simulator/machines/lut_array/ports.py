"""The buffers with one port: the words that each command reads or writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from simulator.base.columns import Ints
from simulator.base.quantities import rate_of
from simulator.machines.lut_array.addresses import (
    input_addresses,
    of_shortcuts,
    window_offsets,
)
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.positions import Positions
from simulator.machines.lut_array.regions import AnyMapped, own_inputs
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.lut_array.vocabulary import (
    BUFFER_CONFLICTS,
    DOT_UNITS,
    DRAM_INPUTS,
    DRAM_WEIGHTS,
    INDEX_FETCH,
)
from simulator.machines.planned import commands_of
from simulator.machines.vector.addresses import read_addresses
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.places import MapPlace
from simulator.machines.vector.plan import VectorPlan
from simulator.program import SharedPort, Unit, Words


def shared_ports(layers: Sequence[AnyMapped], hardware: LutArray) -> tuple[SharedPort, ...]:
    """The ports at which reads and writes of a program meet; () if both buffers have two ports."""
    index, activation = hardware.memory.index_buffer, hardware.memory.activation_buffer
    ports, weighted = [], tuple(one for one in layers if not isinstance(one, MappedVector))
    if index.ports == 1:
        loads = IndexWords(weighted, rate_of(index.bytes_per_cycle), int(index.kib * 1024))
        ports.append(
            SharedPort(
                reader=INDEX_FETCH,
                writer=DRAM_WEIGHTS,
                banks=index.banks or 1,
                read=loads.fetched,
                written=loads.loaded,
                conflict=BUFFER_CONFLICTS,
            )
        )
    if activation.ports == 1:
        windows = ActivationWords(tuple(layers), hardware)
        ports.append(
            SharedPort(
                reader=DOT_UNITS,
                writer=DRAM_INPUTS,
                banks=activation.banks or 1,
                read=windows.window_reads,
                written=windows.inputs_read,
                conflict=BUFFER_CONFLICTS,
            )
        )
    return tuple(ports)


@dataclass(frozen=True, slots=True)
class IndexWords:
    """Words of the index buffer.

    The buffer is a ring, in which loads are adjacent, in whole bursts. A fetch reads the words of
    the last load of its weight tile.
    """

    layers: tuple[MappedLayer, ...]
    word_bytes: Fraction
    size: int
    """Bytes of the buffer."""

    def loaded(self) -> Iterator[Words]:
        """Yield the words that each weight load of the program writes."""
        for first, length in self._loads():
            yield from _words(first, length)

    def fetched(self) -> Iterator[Words]:
        """Yield the words that each index fetch of the program reads."""
        for layer, (first, _) in zip(self.layers, self._loads(), strict=True):
            sizes = _bytes(layer, INDEX_FETCH)
            yield from _words(first[_last_load(layer)], _words_of(sizes, self.word_bytes))

    def _loads(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield ([loads] first word, [loads] words) of each layer."""
        at = 0
        for layer in self.layers:
            sizes = _bytes(layer, DRAM_WEIGHTS)
            ends = at + np.cumsum(sizes)
            first = _word_of((ends - sizes) % self.size, self.word_bytes)
            yield first, _words_of(sizes, self.word_bytes)
            at = int(ends[-1])


def _last_load(layer: MappedLayer) -> Ints:
    """[fetches] the load that brought each fetch's weight tile: its last load before the fetch."""
    positions = Positions(layer.plan)
    loads, fetches = layer.steps(DRAM_WEIGHTS), layer.steps(INDEX_FETCH)
    if not len(fetches):
        return fetches
    steps = int(max(loads.max(), fetches.max())) + 1
    by_tile = positions.weight_tile(loads) * steps + loads
    order = np.argsort(by_tile, kind="stable")
    wanted = positions.weight_tile(fetches) * steps + fetches
    return order[np.searchsorted(by_tile[order], wanted, side="right") - 1]


@dataclass(frozen=True, slots=True)
class ActivationWords:
    """Words of the activation buffer.

    Values are in the order of the DRAM, and a word holds adjacent values. A read, and a step's
    windows, continue from their first value without gaps. The slots for shortcut values are
    memories of their own, like those for outputs.
    """

    layers: tuple[AnyMapped, ...]
    hardware: LutArray

    def inputs_read(self) -> Iterator[Words]:
        """Yield the words that each read of the program writes; none for shortcut values."""
        for layer in self.layers:
            sizes = _bytes(layer, DRAM_INPUTS)
            if isinstance(layer, MappedVector):
                word = self._vector_word(layer)
                first = np.zeros_like(sizes) if layer.fused else _first_words(layer.plan, word)
                yield from _words(first, _words_of(sizes, word))
                continue
            word, inputs = layer.plan.activation_word, ~of_shortcuts(layer)
            first, length = np.zeros_like(sizes), np.zeros_like(sizes)
            first[inputs] = _word_of(input_addresses(layer, own_inputs(layer.plan)), word)
            length[inputs] = _words_of(sizes[inputs], word)
            yield from _words(first, length)

    def window_reads(self) -> Iterator[Words]:
        """Yield the words that each fill or direct step of the program reads.

        Later LUT passes of a step use the windows that are already in the PEs.
        """
        for layer in self.layers:
            if isinstance(layer, MappedVector):
                continue  # the vector unit reads no windows
            plan, steps = layer.plan, layer.steps(DOT_UNITS)
            pes = np.array([command.pes for command in layer.commands(DOT_UNITS)], dtype=np.int64)
            first_pass = np.diff(steps, prepend=-1) > 0
            length = np.where(first_pass, plan.window_words(pes), 0)
            yield from _words(_word_of(window_offsets(plan, steps), plan.activation_word), length)

    def _vector_word(self, layer: MappedVector) -> Fraction:
        """Bytes of a word for a vector layer; `windows`: 9 values of each PE."""
        rate = self.hardware.memory.activation_buffer.bytes_per_cycle
        if rate == "windows":
            return Fraction(-(-self.hardware.array.pes * 9 * layer.activation_bits // 8))
        return rate_of(rate)


def _first_words(plan: VectorPlan, word: Fraction) -> Ints:
    """[reads] the first word of each read of a vector layer, whose maps all begin at word 0."""
    layer = plan.layer
    pixels = plan.batch * layer.images * layer.in_height * layer.in_width
    maps = [MapPlace(0, n, 0, plan.read_bits, pixels) for n in layer.operand_channels]
    return _word_of(read_addresses(plan, maps), word)


def _bytes(layer: AnyMapped, unit: Unit) -> Ints:
    """Bytes of each command of a unit."""
    commands = commands_of(layer.section, unit)
    return np.array([command.bytes for command in commands], dtype=np.int64)


def _word_of(offset: Ints, word_bytes: Fraction) -> Ints:
    """Word that contains a byte."""
    return offset * word_bytes.denominator // word_bytes.numerator


def _words_of(size: Ints, word_bytes: Fraction) -> Ints:
    """Number of words that `size` bytes take."""
    return -(-size * word_bytes.denominator // word_bytes.numerator)


def _words(first: Ints, length: Ints) -> Iterator[Words]:
    return map(Words, first.tolist(), length.tolist())
