"""The results of the mapper for a layer: its plan, its records, and its section."""

from dataclasses import dataclass
from math import ceil

from simulator.machines.planned import PlannedLayer
from simulator.machines.systolic import records
from simulator.machines.systolic.plan import LayerPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer(PlannedLayer[LayerPlan]):
    """The mapper's decisions for a layer, and its section of the program."""

    records: records.Layer

    @property
    def activation_bits(self) -> int:
        """Bits of an input of the layer."""
        return self.plan.gemm.activation_bits

    @property
    def mode(self) -> str:
        """`xnor`: PEs multiply bit by bit; `multiply`: PEs use their multipliers."""
        return "xnor" if self.plan.gemm.binary_products else "multiply"

    @property
    def stored_bytes(self) -> int:
        """Bytes in DRAM of its weights or indices, with its subset."""
        weights = self.plan.weights
        bits = weights.layer_elements * weights.bits
        return ceil(bits / 8) + self.plan.subset_bytes(weights)

    @property
    def columns(self) -> dict[str, object]:
        """The array's own columns of `layers.csv`."""
        plan = self.plan
        return {
            "folds": plan.gemm.groups * plan.strips * plan.places,
            "weights_kept_for": plan.lifetime(plan.weights),
            "inputs_kept_for": (
                "on_chip" if plan.stays_on_chip(plan.inputs) else plan.lifetime(plan.inputs)
            ),
            "partial_sums_in": plan.sums,
        }
