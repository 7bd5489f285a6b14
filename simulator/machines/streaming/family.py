"""The streaming pipeline as seen by the rest of the simulator."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from msgspec import json, structs
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.dram.section import without_rates as dram_without_rates
from simulator.machines.family import Change, Counts, Family, Layers, Outputs, Roof
from simulator.machines.streaming.actions import layer_actions, memory_kib
from simulator.machines.streaming.area import BUFFERS, area, buffer_kib
from simulator.machines.streaming.compute import compute
from simulator.machines.streaming.folds import StageFolds
from simulator.machines.streaming.mapped import MODES, MappedStage
from simulator.machines.streaming.mapper import map_workload
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.no_effect import why_no_effect
from simulator.machines.streaming.notes import notes
from simulator.machines.streaming.roofs import roofs
from simulator.machines.streaming.schema import Streaming, require_effects
from simulator.machines.streaming.sending import Sending
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.written import Written
from simulator.workload import Workload
from simulator.workload.kernels import KernelSet


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
    scopes = ("network",)
    at_once = True
    folds = StageFolds()
    baseline_bits = None

    require_effects = staticmethod(require_effects)
    map = staticmethod(map_workload)

    notes = staticmethod(notes)
    why_no_effect = staticmethod(why_no_effect)

    def why_not_fast(self, hardware: Streaming) -> str | None:  # noqa: ARG002 # contract
        """None: both engines run every pipeline."""
        return None

    def expected_cycles(self, mapped: MappedStage) -> int | None:  # noqa: ARG002 # contract
        """None: a layer's cycles are its part of the critical path, which has no closed form.

        `Stage.cycles` is the closed form of the busy cycles of each unit.
        """
        return None

    def largest_subset(self, hardware: Streaming) -> int:  # noqa: ARG002 # contract
        """Any subset of 3x3 kernels: a stage's tables are as large as its layer's subset."""
        return 512

    def compute(
        self, mapped: MappedStage, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        """Compute rows as the words of a window arrive, fold by fold."""
        assert mapped.plan is not None
        return compute(mapped.plan, kernels, activations, rows)

    def written(self, workload: Workload, hardware: Streaming) -> Written:
        """Return the maps that a run writes, and the pipeline that takes images."""
        network = Network(workload, hardware)
        inside = frozenset(network.read_by(name) for name in network.folded)
        return Written(network.maps, inside, Sending(network))

    def actions(
        self, mapped: MappedStage | MappedVector, moved: Ints, activates: Ints | None = None
    ) -> Counts:
        """Count a layer's actions; docs/streaming-costs.md."""
        return layer_actions(_stage(mapped), moved, activates)

    def counted_by(self, hardware: Streaming) -> bytes:
        """Everything but names and rates."""
        memory = structs.replace(hardware.memory, dram=dram_without_rates(hardware.dram))
        counted = structs.replace(hardware, name="", clock_ghz=1.0, links=(), memory=memory)
        return json.encode(counted)  # folds by layer have no hash

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

    def idle_pes(self, change: Change[MappedStage]) -> list[str]:  # noqa: ARG002 # contract
        """None: the PEs of a stage belong to its layer, and all of them work in its cycles."""
        return []

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
