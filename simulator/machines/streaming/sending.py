"""Images sent through all units of a pipeline, with their values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from simulator.base.columns import Ints
from simulator.machines.streaming.build import Pipeline
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.mapper import built_with_joins
from simulator.machines.streaming.network import INPUT, Network
from simulator.machines.streaming.stages import Dma, FetchAdd, MatrixVector, Stage
from simulator.machines.streaming.streams import Input, Running, Streams, commands_of
from simulator.machines.streaming.units import program_of
from simulator.machines.streaming.values import (
    OPERATORS,
    Unit,
    image_words,
    map_format,
    map_of_words,
)
from simulator.machines.written import Arithmetic
from simulator.workload import Layer


@dataclass(frozen=True)
class Sending:
    """A pipeline that takes images."""

    network: Network

    @property
    def folded(self) -> Mapping[str, str]:
        """The layers in the thresholds of stages, each with the stage's layer."""
        return self.network.folded

    def map_bits(self, name: str) -> int:
        """Return the bits of a value of the map after a layer; `input` is the image."""
        return self.network.map_of(self.network.giver(name)).bits

    def stream(self, images: Ints, arithmetic: Arithmetic) -> dict[str, Ints]:
        """Return every stage's map [images, channels, height, width] by its last layer's name.

        Raises:
            StreamError: the units' programs move words that do not exist yet, or never.

        """
        workload = replace(self.network.workload, batch=len(images))
        network = Network(workload, self.network.hardware)
        run = _Run(network, built_with_joins(network), arithmetic, images)
        run.streams.run(run.units)
        return run.maps()


@dataclass(frozen=True, eq=False)
class _Run:
    """A pipeline with the images on their way through it."""

    network: Network
    built: Pipeline
    arithmetic: Arithmetic
    images: Ints

    @cached_property
    def streams(self) -> Streams:
        return Streams(self.built.fifos)

    @cached_property
    def written(self) -> dict[str, list[int]]:
        """The words of every stage's map, by the stage's layer."""
        return {name: [] for name in self.built.plans}

    @cached_property
    def units(self) -> list[Running]:
        return [self._running(stage) for stage in self.built.stages]

    def maps(self) -> dict[str, Ints]:
        """Return every stage's map by its last layer's name."""
        found = {}
        for name, plan in self.built.plans.items():
            form = map_format(name, self.network, self.arithmetic)
            last = self.network.last_of.get(name, name)
            found[last] = map_of_words(self.written[name], form, plan)
        return found

    def _running(self, stage: Stage) -> Running:
        inputs = {one: Input(stage.name, one) for one in _read_by(stage)}
        plan = self.built.plans[stage.layer]
        unit = Unit(stage, plan, self.network, self.arithmetic, inputs)
        words = self._recorded(unit, self._words(unit))
        return Running(stage, inputs, words, commands_of(program_of(stage)))

    def _words(self, unit: Unit) -> Iterator[Any]:
        """Yield the words that a unit writes, image after image."""
        if isinstance(unit.stage, Dma):
            if unit.stage.targets:
                form, bits = (
                    map_format(INPUT, self.network, self.arithmetic),
                    unit.stage.target.bits,
                )
                for image in self.images:
                    yield from image_words(image, form, bits)
            return
        operator = next(OPERATORS[kind] for kind in type(unit.stage).__mro__ if kind in OPERATORS)
        for _ in range(len(self.images)):
            yield from operator(unit)
            for read in unit.inputs.values():
                read.end_image()

    def _recorded(self, unit: Unit, words: Iterator[Any]) -> Iterator[Any]:
        """Keep the words of a stage's map."""
        last = "mvtu" if isinstance(unit.layer, Layer) else unit.plan.main_kind
        if unit.stage.name != f"{unit.layer.name}.{last}":
            yield from words
            return
        kept = self.written[unit.layer.name]
        for word in words:
            kept.append(word)
            yield word


def _read_by(stage: Stage) -> Iterator[Fifo]:
    """Yield the FIFOs that a unit reads."""
    yield from stage.sources
    if isinstance(stage, FetchAdd):
        yield stage.banks
    if isinstance(stage, MatrixVector) and stage.weights is not None:
        yield stage.weights
