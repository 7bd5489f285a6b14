"""The streaming pipeline as seen by the rest of the simulator."""

from collections.abc import Sequence
from types import MappingProxyType

from msgspec import json, structs

from simulator.base.columns import Ints
from simulator.dram.section import without_rates as dram_without_rates
from simulator.machines.family import Counts, Family, Layers, Roof
from simulator.machines.streaming.actions import layer_actions, memory_kib
from simulator.machines.streaming.area import BUFFERS, area, buffer_kib
from simulator.machines.streaming.mapped import MODES, MappedStage
from simulator.machines.streaming.mapper import map_workload
from simulator.machines.streaming.roofs import roofs
from simulator.machines.streaming.schema import Streaming, require_effects
from simulator.machines.vector.mapped import MappedVector


class StreamingPipelines(Family[Streaming, MappedStage]):
    """Pipelines with a stage per layer; docs/streaming.md."""

    schema = Streaming
    example = "cnv-w1a1"
    categories = ()
    mode_titles = MappingProxyType(MODES)
    rate_keys = MappingProxyType({"DMA": "memory.dram.bytes_per_cycle"})
    size_keys = frozenset({"folding.cycles"})
    not_chosen = frozenset({"clock_ghz", "full_precision.bits"})
    capacities = MappingProxyType({})
    """None: a stage's memories have the size that its layer needs, and it reads all data once."""
    buffers = BUFFERS
    baseline_bits = None

    require_effects = staticmethod(require_effects)
    map = staticmethod(map_workload)

    def why_not_fast(self, hardware: Streaming) -> str | None:
        return None

    def expected_cycles(self, mapped: MappedStage) -> int | None:
        return None

    def largest_subset(self, hardware: Streaming) -> int:  # noqa: ARG002 # contract
        """Any subset of 3x3 kernels: a stage's tables are as large as its layer's subset."""
        return 512

    def compute(self, mapped, kernels, activations, rows):
        raise NotImplementedError

    def actions(
        self, mapped: MappedStage | MappedVector, moved: Ints, activates: Ints | None = None
    ) -> Counts:
        """Count a layer's actions; docs/streaming-costs.md."""
        return layer_actions(_stage(mapped), moved, activates)

    def counted_by(self, hardware: Streaming) -> bytes:
        """Everything but names and rates."""
        memory = structs.replace(hardware.memory, dram=dram_without_rates(hardware.dram))
        return json.encode(
            structs.replace(hardware, name="", clock_ghz=1.0, links=(), memory=memory)
        )

    def memories(
        self,
        hardware: Streaming,
        layers: Layers[MappedStage],  # noqa: ARG002 # contract
        mapped: MappedStage | MappedVector,
    ) -> dict[str, float]:
        """Size in KiB of a bank of each memory of the layer's own stage."""
        return memory_kib(_stage(mapped), hardware)

    def mac_bits(self, hardware: Streaming) -> int:
        """Width of full-precision operands in bits."""
        return hardware.full_precision.bits

    def buffer_kib(self, hardware: Streaming, layers: Layers[MappedStage]) -> float:
        """Size of all SRAMs of all stages in KiB."""
        return buffer_kib(map(_stage, layers), hardware)

    def area(self, hardware: Streaming, layers: Layers[MappedStage]) -> dict[str, int]:
        """Gate equivalents by part, over all stages."""
        return area(map(_stage, layers), hardware)

    def roofs(
        self,
        hardware: Streaming,  # noqa: ARG002 # contract
        layers: Sequence[MappedStage],
    ) -> list[Roof]:
        """Return the pace of all stages at work, and that of the slowest."""
        return roofs(layers)

    def notes(self, run):
        return []

    def idle_pes(self, change):
        return []

    def why_no_effect(self, change):
        return None

    def next_sizes(
        self,
        key: str,  # noqa: ARG002 # contract
        layers: Sequence[MappedStage],  # noqa: ARG002 # contract
    ) -> list[tuple[float, list[str]]]:
        """No size of a memory makes a layer read less: see `capacities`."""
        return []


def _stage(mapped: MappedStage | MappedVector) -> MappedStage:
    """Return a layer's stage; a pipeline has no vector unit."""
    assert isinstance(mapped, MappedStage)
    return mapped


FAMILY = StreamingPipelines()
