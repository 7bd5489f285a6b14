"""The streaming pipeline as seen by the rest of the simulator."""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from simulator.machines.family import Family, Outputs
from simulator.machines.streaming.compute import compute
from simulator.machines.streaming.mapped import MODES, MappedStage
from simulator.machines.streaming.mapper import map_workload
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.schema import Streaming, require_effects
from simulator.machines.streaming.sending import Sending
from simulator.machines.written import Written
from simulator.workload import Workload
from simulator.workload.kernels import KernelSet
from simulator.workload.vector_layer import sources


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
    buffers = frozenset()
    baseline_bits = None

    require_effects = staticmethod(require_effects)
    map = staticmethod(map_workload)

    def why_not_fast(self, hardware: Streaming) -> str | None:
        return None

    def expected_cycles(self, mapped: MappedStage) -> int | None:
        return None

    def largest_subset(self, hardware: Streaming) -> int:
        return 512

    def compute(
        self, mapped: MappedStage, kernels: KernelSet, activations: NDArray[np.int64], rows: range
    ) -> Outputs:
        assert mapped.plan is not None
        return compute(mapped.plan, kernels, activations, rows)

    def written(self, workload: Workload, hardware: Streaming) -> Written:
        network = Network(workload, hardware)
        layers = network.maps.layers
        inside = frozenset(next(sources(layers[name])) for name in network.folded)
        return Written(network.maps, inside, Sending(network))

    def actions(self, mapped, moved, activates=None):
        return {}

    def counted_by(self, hardware):
        return hardware

    def memories(self, hardware, activation_bits, kernel_weights):
        return {}

    def mac_bits(self, hardware):
        return hardware.full_precision.bits

    def buffer_kib(self, hardware):
        return 0.0

    def area(self, hardware, activation_bits, kernel_weights):
        return {}

    def roofs(self, hardware, layers):
        return []

    def notes(self, run):
        return []

    def idle_pes(self, change):
        return []

    def why_no_effect(self, change):
        return None

    def next_sizes(self, key, layers):
        return []


FAMILY = StreamingPipelines()
