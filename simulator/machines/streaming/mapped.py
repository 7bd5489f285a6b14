"""A layer as a stage of the pipeline."""

from dataclasses import dataclass
from math import ceil

from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.stages import Stage
from simulator.program import Section
from simulator.workload import Layer
from simulator.workload.vector_layer import AnyLayer

MODES = {
    "mvtu": "MVTU",
    "shared": "shared kernels",
    "stage": "stage without weights",
    "thresholds": "in another stage's thresholds",
}
"""The names of modes in reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedStage:
    """A layer, its plan, and its units."""

    layer: AnyLayer
    plan: Plan | None
    """None: the thresholds of another layer's stage compute it."""
    batch: int
    activation_bits: int
    """Bits per value of its input."""
    section: Section
    """The part of the program that its units run."""
    stages: tuple[Stage, ...]
    first_unit: int
    """The number of its first unit among the program's units, which follow one another."""

    @property
    def mode(self) -> str:
        """The layer's mode in one word; see `MODES`."""
        if self.plan is None:
            return "thresholds"
        if not isinstance(self.layer, Layer):
            return "stage"
        return "shared" if self.plan.shape.shared else "mvtu"

    @property
    def stored_bytes(self) -> int:
        """Bytes of its weights, or of its indices and its subset."""
        return 0 if self.plan is None else ceil(self.plan.stored_bits / 8)

    @property
    def columns(self) -> dict[str, object]:
        """The family's own columns of `layers.csv`."""
        if self.plan is None:
            return {}
        pe, simd, dots = self.plan.fold
        busiest = max(stage.cycles for stage in self.stages)
        return {"pe": pe, "simd": simd, "dots": dots, "cycles_per_image": busiest}
