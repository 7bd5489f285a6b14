"""How the subsets of a trained network are chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.workload.subsets import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the subset of every binary layer is chosen; docs/extract.md."""

    subset: "Method | None" = None
    """None: as the file holds it."""
    seed: int | None = None
    """Of `random`; 0 if None."""
    bits: float | None = None
    tau: int | None = None
    tau_1x1: int | None = None
    taus: Mapping[str, int] = field(default_factory=dict)
    """tau of single layers by name."""
