"""The inputs of a study's rows, in the form that a worker receives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.base.version import __version__
from simulator.machines import EnergyTable
from simulator.machines.loading import machines_of
from simulator.studies.axes import Value
from simulator.workload import Workload
from simulator.workload.scope import Scope

Settings = tuple[tuple[str, Value], ...]
"""Names with their values."""
NetworkKey = tuple[str, str | None, Settings]
"""Model, input size, and the precision of its chosen subsets, if any."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All inputs of the rows except the points themselves."""

    hardware: Mapping[str, Mapping[str, Any]]
    """Plain data of the hardware files, by the name in the points."""
    dram_tables: Mapping[str, str]
    """Fingerprints of the DRAM tables by name; see `simulator.studies.tables`."""
    workloads: Mapping[NetworkKey, Workload | str]
    """The networks; a text is the reason why a network is impossible."""
    names: tuple[str, ...]
    """The names of a point's values."""
    baselines: Mapping[str, float | None]
    """Bits per weight of the baseline by hardware file; None: its points have no baseline."""
    scope: Scope
    """The kinds of layers that all runs compute."""
    engine: str
    layers: bool
    """True to make rows by layer, too."""
    energy: EnergyTable
    taus: Mapping[str, int]
    """tau of single layers by name, over the tau of the points; baselines ignore it."""
    version: str = __version__

    @property
    def machines(self) -> tuple[str, ...]:
        """Families of the hardware, each once."""
        return machines_of(self.hardware)

    @property
    def distinct_baselines(self) -> tuple[float, ...]:
        """Bits per weight of all baselines, each once; empty without baselines."""
        return tuple(sorted({bits for bits in self.baselines.values() if bits is not None}))

    @property
    def has_baselines(self) -> bool:
        """True if some points have a baseline; then the tables have its columns."""
        return bool(self.distinct_baselines)
