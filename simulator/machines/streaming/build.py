"""The pipeline of a network: its units, and the FIFOs between them.

Built from the last layer to the first: a unit is made when the FIFOs that it writes exist.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, gcd
from typing import Any, NamedTuple

from simulator.machines.streaming.convert import conversions
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.network import INPUT, Network
from simulator.machines.streaming.operators import Operator
from simulator.machines.streaming.palette import category_of
from simulator.machines.streaming.patterns import every_word
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.shapes import Map
from simulator.machines.streaming.stages import (
    Add,
    Concat,
    Converter,
    Dma,
    FetchAdd,
    Fork,
    MatrixVector,
    Mover,
    Pad,
    Pool,
    SharedDots,
    Shuffle,
    Stage,
    Threshold,
    Weights,
    Windows,
)
from simulator.machines.streaming.turns import Turns, held, writes, writes_last
from simulator.program import Category, Runs
from simulator.workload.vector_layer import VectorLayer, sources

_MOVERS: dict[str, type[Mover]] = {
    "pad": Pad,
    "window": Windows,
    "sample": Windows,
    "convert": Converter,
    "threshold": Threshold,
    "max_pool": Pool,
    "average_pool": Pool,
    "norm": Threshold,
    "activation": Threshold,
    "shuffle": Shuffle,
    "add": Add,
}


class Pipeline(NamedTuple):
    """A network's units in the order of the layers, and its FIFOs."""

    stages: tuple[Stage, ...]
    fifos: tuple[Fifo, ...]
    plans: dict[str, Plan]
    """The stages' layers with their parallelism, by name."""


def pipeline_of(network: Network, joins: Mapping[str, int] | None = None) -> Pipeline:
    """Build the pipeline of a network.

    Args:
        network: the network and its hardware file.
        joins: words of the FIFOs in front of joins, by FIFO; None: without a limit.

    Raises:
        InputError: a fold of a layer is impossible.

    """
    return _Builder(network, joins).built()


@dataclass
class _Builder:
    network: Network
    joins: Mapping[str, int] | None
    stages: list[Stage] = field(default_factory=list)
    """The units, in order, of the layers built so far."""
    fifos: list[Fifo] = field(default_factory=list)
    taps: defaultdict[str, list[Fifo]] = field(default_factory=lambda: defaultdict(list))
    """The FIFOs that wait for a map, by the layer whose stage writes it."""

    @cached_property
    def hardware(self) -> Streaming:
        return self.network.hardware

    @property
    def plans(self) -> dict[str, Plan]:
        """The stages' layers with their parallelism, by name."""
        return self.network.plans

    @cached_property
    def categories(self) -> dict[str, Category]:
        return {name: category_of(name, number) for number, name in enumerate(self.plans)}

    def built(self) -> Pipeline:
        for plan in reversed(self.plans.values()):
            self.stages = [*self._layer(plan), *self.stages]
        self.stages = [*self._input(), *self.stages]
        return Pipeline(tuple(self.stages), tuple(self.fifos), self.plans)

    # --- layers ---------------------------------------------------------------------------------

    def _layer(self, plan: Plan) -> list[Stage]:
        """Return the units of a layer's stage, in order."""
        name, operators = plan.shape.name, plan.operators
        kinds = [*(one.kind for one in operators), plan.main_kind]
        stages, entries = [], []
        for number, read in enumerate(sources(plan.layer)):
            entry, links = self._edge(self.network.giver(read), plan, number, kinds[0])
            entries.append(entry)
            stages += links
        for one, after in zip(operators, kinds[1:], strict=True):
            target = self._fifo(f"{name}.{after}", name, one.bits, one.words)
            stages.append(self._operator(one, f"{name}.{one.kind}", name, entries, target))
            entries = [target]
        target, forks = self._target(plan)
        return [*stages, *self._main(plan, entries, target), *forks]

    def _target(self, plan: Plan) -> tuple[Fifo, list[Stage]]:
        """Return the FIFO that a stage writes, and the fork or the output DMA behind it."""
        name, bits = plan.shape.name, plan.out_bits
        taps = self.taps[name]
        units: list[Stage] = []
        if not taps:
            first, units = self._output(plan)
            taps = [first]
        if len(taps) == 1:
            return taps[0], units
        fifo, fork = self._fork(f"{name}.fork", name, bits, plan.shape.target.words(bits), taps)
        return fifo, [fork]

    def _main(self, plan: Plan, reads: list[Fifo], target: Fifo) -> list[Stage]:
        """Return the last unit of a stage, with its dot units or the DMA unit of its weights."""
        layer, name = plan.layer, plan.shape.name
        if isinstance(layer, VectorLayer):
            return [self._vector(plan, layer, reads, target)]
        pixels = plan.shape.out_pixels * layer.groups
        pes = plan.fold.pe * plan.fold.simd
        if plan.shape.shared:
            banks = self._fifo(f"{name}.banks", name, plan.table_bits, pixels * plan.tables, 2)
            shared = {"pixels": pixels, "tables": plan.tables, "banks": banks}
            dots = self._unit(
                SharedDots, f"{name}.dots", name, reads, [], fill_cycles=plan.fill_cycles, **shared
            )
            adders = self._unit(
                FetchAdd, f"{name}.mvtu", name, [], [target], neuron_folds=plan.neuron_folds,
                pes=pes, **shared,
            )  # fmt: skip
            return [dots, adders]
        folds = {
            "pixels": pixels,
            "synapse_folds": plan.synapse_folds,
            "neuron_folds": plan.neuron_folds,
            "holds": self.hardware.loop_style == "stalling",
            "pes": pes,
        }
        if self.hardware.memory.weights == "on_chip":
            return [self._unit(MatrixVector, f"{name}.mvtu", name, reads, [target], **folds)]
        bits = plan.synapse_folds * pes * plan.shape.weight_bits
        weights = self._fifo(f"{name}.weights", name, bits, pixels * plan.neuron_folds, 2)
        stream = self._unit(
            Weights, f"{name}.weights", name, [], [weights], folds=weights.words,
            fold_bytes=ceil(bits / 8), rate="read",
        )  # fmt: skip
        mvtu = self._unit(
            MatrixVector, f"{name}.mvtu", name, reads, [target], weights=weights, **folds
        )
        return [stream, mvtu]

    def _vector(self, plan: Plan, layer: VectorLayer, reads: list[Fifo], target: Fifo) -> Stage:
        """Return the unit of a layer without weights."""
        name = f"{layer.name}.{plan.main_kind}"
        if layer.kind == "concat":
            pixels = plan.shape.out_pixels
            words = tuple(one.words // pixels for one in reads)
            return self._unit(Concat, name, layer.name, reads, [target], pixels=pixels, words=words)
        unit = _MOVERS[layer.kind]
        return self._mover(unit, name, layer.name, reads, [target], plan.main_turns)

    # --- edges ----------------------------------------------------------------------------------

    def _edge(self, giver: str, plan: Plan, number: int, entry: str) -> tuple[Fifo, list[Stage]]:
        """Connect a map with the stage that reads it: thresholds, converters, and the FIFO.

        Args:
            giver: the layer whose stage writes the map.
            plan: the stage that reads it.
            number: the number of this input.
            entry: the kind of the stage's first unit.

        Returns:
            The FIFO that the stage reads, and the units before it.

        """
        given, name = self.network.map_of(giver), plan.shape.name
        bits, packets, packet_bits = self._words_of(giver, given)
        start = (bits, packets * ceil(packet_bits / bits))
        links: list[Operator] = []
        if plan.shape.in_bits < given.bits:
            bits, packet_bits = (x * plan.shape.in_bits // given.bits for x in (bits, packet_bits))
            links.append(Operator("threshold", every_word(start[1]), bits, start[1]))
        width = self.hardware.fifos.widths.get(name, plan.in_bits)
        pixel_bits = given.channels * plan.shape.in_bits
        if packets < given.pixels and pixel_bits % width:  # an image without gaps: first cut pixels
            part = gcd(pixel_bits, width)
            links += conversions(bits, part, packets, packet_bits)
            bits, packets, packet_bits = part, given.pixels, pixel_bits
        links += conversions(bits, width, packets, packet_bits)
        main = len(links)
        links += conversions(width, plan.in_bits, given.pixels, pixel_bits)
        if len(tuple(sources(plan.layer))) > 1:  # `join_depths` counts words that the join reads
            main = len(links)
        suffix = f".{number + 1}" if number else ""
        names = [
            f"{name}.{one.kind if one.kind == 'threshold' else f'convert{place + 1}'}{suffix}"
            for place, one in enumerate(links)
        ]
        ends = [*names, f"{name}.{entry}{suffix}"]
        fifos, units = self._chain(links, ends, name, start, {main: self._depth(plan, ends[main])})
        self.taps[giver].insert(0, fifos[0])
        return fifos[-1], units

    def _words_of(self, giver: str, given: Map) -> tuple[int, int, int]:
        """Return bits of a word, packets per image, and bits of a packet of a map's stream."""
        if giver == INPUT:
            return self.hardware.memory.word_bits, 1, given.pixels * given.pixel_bits
        return self.plans[giver].out_bits, given.pixels, given.pixel_bits

    def _input(self) -> list[Stage]:
        """Return the DMA unit that reads images, with the fork behind it."""
        first = next(iter(self.plans))
        taps = self.taps[INPUT]
        words, word_bytes = taps[0].words, ceil(taps[0].bits / 8)
        forks: list[Stage] = []
        if len(taps) > 1:
            fifo, fork = self._fork("input.fork", first, taps[0].bits, words, taps)
            taps, forks = [fifo], [fork]
        dma = self._unit(
            Dma, "input.dma", first, [], taps, words=words, word_bytes=word_bytes, rate="read"
        )
        return [dma, *forks]

    def _output(self, plan: Plan) -> tuple[Fifo, list[Stage]]:
        """Return the FIFO that a stage writes for DRAM, and the units behind it."""
        given, name = plan.shape.target, plan.shape.name
        width = self.hardware.memory.word_bits
        links = conversions(plan.out_bits, width, given.pixels, given.pixel_bits)
        names = [f"{name}.convert_out{place + 1}" for place, _ in enumerate(links)]
        start = (plan.out_bits, given.words(plan.out_bits))
        fifos, units = self._chain(links, [*names, f"{name}.output"], name, start, {})
        word_bytes = ceil(min(fifos[-1].bits, width) / 8)
        dma = self._unit(
            Dma, f"{name}.output", name, [fifos[-1]], [], words=fifos[-1].words,
            word_bytes=word_bytes, rate="write",
        )  # fmt: skip
        return fifos[0], [*units, dma]

    # --- units and FIFOs ------------------------------------------------------------------------

    def _chain(
        self,
        links: list[Operator],
        ends: list[str],
        layer: str,
        start: tuple[int, int],
        depths: Mapping[int, int | None],
    ) -> tuple[list[Fifo], list[Stage]]:
        """Return the FIFOs and the units of some operators one after another.

        Args:
            links: the operators.
            ends: the names of the units, then that of the last FIFO.
            layer: the layer that they belong to.
            start: bits of a word of the first FIFO, and its words.
            depths: words of some FIFOs, by place; None: the usual number.

        """
        words = [start, *((one.bits, one.words) for one in links)]
        fifos = [
            self._fifo(end, layer, *each, depths.get(place))
            for place, (end, each) in enumerate(zip(ends, words, strict=True))
        ]
        units = [
            self._operator(one, ends[place], layer, [fifos[place]], fifos[place + 1])
            for place, one in enumerate(links)
        ]
        return fifos, units

    def _fork(
        self, name: str, layer: str, bits: int, words: int, taps: list[Fifo]
    ) -> tuple[Fifo, Stage]:
        """Return a fork to several FIFOs, and the FIFO that it reads."""
        fifo = self._fifo(name, layer, bits, words)
        return fifo, self._mover(Fork, name, layer, [fifo], taps, every_word(words))

    def _operator(
        self, one: Operator, name: str, layer: str, sources: list[Fifo], target: Fifo
    ) -> Stage:
        unit = _MOVERS[one.kind]
        more = {"buffer_bits": one.buffer_bits} if unit is Windows else {}
        return self._mover(unit, name, layer, sources, [target], one.turns, **more)

    def _mover(  # noqa: PLR0917 # as `_unit`, and the pattern
        self,
        unit: type[Mover],
        name: str,
        layer: str,
        sources: Iterable[Fifo],
        targets: Iterable[Fifo],
        turns: Turns,
        **facts: Any,
    ) -> Stage:
        """Return a unit with a pattern, as its loop waits for input."""
        later, leaves = turns, False
        if self.hardware.loop_style == "stalling":
            leaves = writes_last(turns)
            turns, later = held(turns, result=False), held(turns, result=leaves)
            if leaves and issubclass(unit, Windows | Pool | Pad):  # their loops end with an image
                turns, leaves = Runs([*turns, (1, (writes(1),))]), False
                later = turns
        return self._unit(
            unit, name, layer, sources, targets, turns=turns, later_turns=later,
            leaves_result=leaves, **facts,
        )  # fmt: skip

    def _unit(
        self,
        unit: type[Stage],
        name: str,
        layer: str,
        sources: Iterable[Fifo],
        targets: Iterable[Fifo],
        **facts: Any,
    ) -> Stage:
        return unit(
            name=name,
            layer=layer,
            category=self.categories[layer],
            images=self.network.workload.batch,
            sources=tuple(sources),
            targets=tuple(targets),
            **facts,
        )

    def _fifo(self, name: str, layer: str, bits: int, words: int, depth: int | None = None) -> Fifo:
        """Add a FIFO; None: of the depth of all FIFOs without a depth of their own."""
        keys = self.hardware.fifos
        depth = keys.depths.get(name, keys.depth) if depth is None else depth
        depth = depth if keys.limit is None else min(depth, keys.limit)
        self.fifos.append(Fifo(name, layer, bits, words, depth))
        return self.fifos[-1]

    def _depth(self, plan: Plan, fifo: str) -> int | None:
        """Return the words of the FIFO in front of a layer, None: the usual number."""
        keys, name = self.hardware.fifos, plan.shape.name
        given = next((keys.depths[key] for key in (fifo, name) if key in keys.depths), None)
        if given is not None:
            return given
        if len(tuple(sources(plan.layer))) == 1:
            return None
        if keys.joins != "auto":
            return keys.joins
        return _UNLIMITED if self.joins is None else max(keys.depth, self.joins.get(fifo, 0))


_UNLIMITED = 1 << 30
"""Words of a FIFO that is never full."""
