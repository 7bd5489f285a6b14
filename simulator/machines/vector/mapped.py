"""A vector layer as a machine runs it."""

from dataclasses import dataclass
from types import MappingProxyType

from simulator.machines.vector.fusion import Fusion, Work
from simulator.machines.vector.plan import Buffer, VectorPlan
from simulator.machines.vector.units import Ports, section_of
from simulator.program import Section
from simulator.workload.vector_layer import VectorLayer

VECTOR_MODES = MappingProxyType({"vector": "vector unit", "fused": "fused"})
"""The names of the modes of vector layers in reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedVector:
    """A vector layer and its section of the program, which has no command if it is fused."""

    plan: VectorPlan
    work: Work
    section: Section
    fused: bool

    @property
    def layer(self) -> VectorLayer:
        """The layer of the network."""
        return self.plan.layer

    @property
    def batch(self) -> int:
        """Images per run."""
        return self.plan.batch

    @property
    def activation_bits(self) -> int:
        """Bits of a value that the layer reads."""
        return self.plan.read_bits

    @property
    def mode(self) -> str:
        """`vector`, or `fused` into the preceding layer."""
        return "fused" if self.fused else "vector"

    @property
    def stored_bytes(self) -> int:
        """Bytes of weights in DRAM: none."""
        return 0

    @property
    def columns(self) -> dict[str, object]:
        """The family's own columns of `layers.csv`, which have no value here."""
        return {}


def plan_vector(layer: VectorLayer, fusion: Fusion, buffer: Buffer) -> VectorPlan:
    """Plan a vector layer, with all maps in DRAM.

    Args:
        layer: the layer.
        fusion: widths of all maps, and the layers that are fused.
        buffer: the buffer of its operands and results.

    """
    assert fusion.vector is not None  # `fusion_of` refuses such a network
    return VectorPlan(
        layer=layer,
        batch=fusion.workload.batch,
        read_bits=fusion.maps.read_bits(layer),
        copies=fusion.copies(layer),
        lanes=fusion.vector.lanes,
        lane_cycles=fusion.work(layer).lane_cycles,
        buffer=buffer,
    )


def mapped_vector(plan: VectorPlan, fusion: Fusion, ports: Ports) -> MappedVector:
    """Map a vector layer.

    Args:
        plan: the layer.
        fusion: widths of all maps, and the layers that are fused.
        ports: the family's terms.

    Raises:
        InputError: the buffer is too small.

    """
    fused = plan.layer.name in fusion.fused
    section = Section({}) if fused else section_of(plan, ports)
    work = fusion.work(plan.layer)
    return MappedVector(plan=plan, work=work, section=section, fused=fused)
