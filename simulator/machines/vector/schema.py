"""The section `vector` of a hardware file."""

from math import ceil
from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.base.quantities import Count
from simulator.workload.vector_layer import MOVES, VectorLayer

MapsIn = Literal["dram", "on_chip"]
"""The place of maps between layers: `on_chip` where they fit, otherwise DRAM."""


class LaneCycles(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cycles of a lane for one operation, by kind."""

    norm: Count = 1
    """Multiply by a channel's factor, and add its summand."""
    activation: Count = 1
    add: Count = 1
    pool: Count = 1
    """Compare, or add, one value of a window."""
    quantize: Count = 1
    """Compare a value with a threshold, or round it."""
    move: Count = 1
    """Copy a value: concatenation or shuffling that is not fused."""


class Vector(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The unit for what is not a matrix product."""

    lanes: Count
    """Values on which the unit works at once."""
    bits: Annotated[int, Meta(ge=1, le=64)] = 16
    """Width of a lane; an operation on wider values takes several times its cycles."""
    fused: bool = True
    """True: the results of the array pass through the unit on their way to DRAM."""
    cycles: LaneCycles = LaneCycles()

    def passes(self, bits: int) -> int:
        """Times that a lane repeats an operation on values of some bits."""
        return ceil(bits / self.bits)

    def main_cycles(self, layer: VectorLayer) -> int:
        """Cycles of a lane for an output value, without its copies in fewer bits."""
        cycles = self.cycles
        match layer.kind:
            case "norm":
                return cycles.norm
            case "activation":
                return cycles.activation
            case "add":
                return cycles.add * layer.additions
            case "max_pool" | "average_pool" | "regions":
                return cycles.pool * layer.operands
            case _:
                assert layer.kind in MOVES
                return cycles.move
