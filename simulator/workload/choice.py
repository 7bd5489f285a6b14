"""The choice of the subsets of a trained network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.workload.subsets import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The method that chooses the subset of every binary layer; see docs/extract.md."""

    subset: "Method | None" = None
    """None: the subset in the file."""
    seed: int | None = None
    """Seed of `random`; None means 0."""
    bits: float | None = None
    tau: int | None = None
    tau_1x1: int | None = None
    taus: Mapping[str, int] = field(default_factory=dict)
    """The tau of single layers, by name."""
