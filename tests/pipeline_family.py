"""A small machine family whose layers all run at once: a stage per layer, as in `pipelines`.

A layer takes `in_channels x out_channels / lanes` cycles per pixel. All maps have the same size.
"""

# ruff: noqa: ARG002 - methods of a family have more arguments than this one needs

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any

import pytest
from msgspec import Struct

from simulator.analysis.running import run_one
from simulator.api.result import Result
from simulator.dram.section import Dram
from simulator.machines import families, loading
from simulator.machines.family import Counts, Family, Mapping, Roof
from simulator.machines.hardware import Hardware
from simulator.program import Section, Unit
from simulator.workload import Layer, Workload
from tests.build import layer, network
from tests.pipelines import PES, pipeline

NAME = "pipeline_for_tests"


class Stage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All stages."""

    lanes: int
    depth: int
    """Items of every FIFO."""


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The memory."""

    dram: Dram


class Pipeline(Hardware, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pipeline of as many stages as the network has layers."""

    stage: Stage
    memory: Memory

    @property
    def pes(self) -> int:
        """PEs of a stage."""
        return PES

    @property
    def dram(self) -> Dram:
        """The DRAM."""
        return self.memory.dram


@dataclass(frozen=True, kw_only=True)
class MappedStage:
    """A layer as a stage."""

    layer: Layer
    batch: int
    section: Section
    activation_bits: int = 1
    mode: str = "stage"
    stored_bytes: int = 0

    @property
    def columns(self) -> dict[str, object]:
        """No columns of its own."""
        return {}


class PipelineFamily(Family[Pipeline, MappedStage]):
    """The family."""

    schema = Pipeline
    example = NAME
    categories = ()
    mode_titles = MappingProxyType({"stage": "stage"})
    rate_keys = MappingProxyType({"matrix product": "stage.lanes"})
    size_keys = frozenset()
    not_chosen = frozenset()
    capacities = MappingProxyType({})
    buffers = frozenset()
    at_once = True
    baseline_bits = None

    def require_effects(self, data: dict[str, Any], hardware: Pipeline, source: str) -> None:
        """All keys have an effect."""

    def why_not_fast(self, hardware: Pipeline) -> str | None:
        """Both engines run it."""
        return None

    def map(self, workload: Workload, hardware: Pipeline, progress: Any = None) -> Mapping[Any]:
        """Return a program of one section, whose units name their layers."""
        first, channel = workload.layers[0], hardware.dma_channel
        stages = len(workload.layers)
        program = pipeline(
            [self.expected_cycles_per_item(one, hardware) for one in workload.layers],
            depths=[hardware.stage.depth] * (stages + 1),
            images=workload.batch,
            items=first.out_height * first.out_width,
            latency=channel.latency_cycles,
            bytes_per_cycle=channel.bytes_per_cycle,
            layers=[one.name for one in workload.layers],
        )
        return Mapping(
            hardware=hardware,
            layers=tuple(
                MappedStage(layer=one, batch=workload.batch, section=part)
                for one, part in zip(workload.layers, parts_of(program), strict=True)
            ),
            program=program,
        )

    def expected_cycles_per_item(self, one: Layer, hardware: Pipeline) -> int:
        """Return the cycles of a stage for each pixel."""
        return max(1, one.in_channels * one.out_channels // hardware.stage.lanes)

    def expected_cycles(self, mapped: MappedStage) -> int | None:
        """No closed form."""
        return None

    def largest_subset(self, hardware: Pipeline) -> int:
        """All subsets fit."""
        return 512

    def compute(self, mapped: MappedStage, kernels: Any, activations: Any, rows: range) -> Any:
        """Nothing computes its outputs."""
        raise NotImplementedError

    def actions(self, mapped: Any, moved: Any, activates: Any = None) -> Counts:
        """Count the bytes of both DMA units."""
        return {("read", "dram_byte"): int(moved[0]), ("write", "dram_byte"): int(moved[-1])}

    def counted_by(self, hardware: Pipeline) -> Any:
        """Counts depend on nothing."""
        return None

    def memories(self, hardware: Any, layers: Any, mapped: Any) -> dict[str, float]:
        """No memories."""
        return {}

    def mac_bits(self, hardware: Pipeline) -> int:
        """Return the width of an operand."""
        return 8

    def buffer_kib(self, hardware: Pipeline, layers: Any) -> float:
        """No buffers."""
        return 0.0

    def area(self, hardware: Any, layers: Any) -> dict[str, int]:
        """Return an area."""
        return {"stages": 1000}

    def roofs(self, hardware: Pipeline, layers: Any) -> list[Roof]:
        """Return a roof."""
        return [Roof(name="lanes: 1", macs_per_cycle=float(hardware.stage.lanes))]

    def notes(self, run: Any) -> Iterator[str]:
        """No notes."""
        yield from ()

    def idle_pes(self, change: Any) -> list[str]:
        """No idle PEs."""
        return []

    def why_no_effect(self, change: Any) -> str | None:
        """Unknown."""
        return None

    def next_sizes(self, key: str, layers: Any) -> list[tuple[float, list[str]]]:
        """No buffers."""
        return []


def parts_of(program: Any) -> list[Section]:
    """Return the part of the only section that the units of each layer run."""
    (section,) = program.sections
    bodies: list[dict[Unit, Any]] = [{} for _ in program.names]
    for unit, body in section.bodies.items():
        bodies[program.names.index(unit.layer)][unit] = body
    return [Section(each) for each in bodies]


HARDWARE = Pipeline(
    machine=NAME,
    name="Pipeline",
    clock_ghz=1.0,
    stage=Stage(lanes=8, depth=16),
    memory=Memory(dram=Dram(latency_cycles=20, bytes_per_cycle=8, burst_bytes=8)),
)


def small_network(batch: int = 4) -> Workload:
    """A network of three layers; the second has the most work, the third very little."""
    sizes = ((3, 4, "body"), (4, 8, "body"), (8, 1, "tail"))
    layers = [
        layer(i, o, 6, 6, name=f"conv{n}", stage=stage) for n, (i, o, stage) in enumerate(sizes)
    ]
    return network(*layers, batch=batch)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the simulator find the family."""
    module = ModuleType(f"{families.__package__}.{NAME}")
    module.FAMILY = PipelineFamily()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = (*families.family_names(), NAME)
    monkeypatch.setattr(families, "family_names", lambda: known)
    monkeypatch.setattr(loading, "family_names", lambda: known)


def result(engine: str = "fast", hardware: Pipeline = HARDWARE) -> Result:
    """Run the small network."""
    return Result(hardware=hardware, run=run_one(small_network(), hardware, engine))
