"""Result of a search: the best combination, its limits, and the runs to compare it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.analysis.notes import ignored_in
from simulator.analysis.performance import Performance, operations_counted
from simulator.analysis.settings import expressions
from simulator.analysis.title import shortcut_data
from simulator.base.version import __version__
from simulator.studies.clock import CLOCK, clock_note_of
from simulator.studies.search.front import Combinations
from simulator.studies.search.task import PARTS, Candidate, Task, stored_parts
from simulator.workload import Workload

Objective = Literal["bits", "time", "capacity", "energy", "energy-delay", "time-area"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a solution; None means no limit."""

    max_time_ms: float | None = None
    mean_bits: float | None = None
    """The maximum stored bits per weight of the binary layers, without the subsets."""
    min_mean_bits: float | None = None
    """The minimum stored bits per weight of the binary layers, without the subsets."""
    max_mbit: float | None = None
    """The maximum stored bits of the binary layers in 1e6 bits, without the subsets."""

    def described(self) -> dict[str, float]:
        """The given limits."""
        every = {
            "max_time_ms": self.max_time_ms,
            "mean_bits": self.mean_bits,
            "min_mean_bits": self.min_mean_bits,
            "max_mbit": self.max_mbit,
        }
        return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True, kw_only=True, repr=False)
class Found:
    """The best combination, and the runs to compare it with."""

    workload: Workload
    task: Task
    objective: Objective
    limits: Limits
    settings: Mapping[str, object]
    """The hardware keys of the grid, with the values that the search chose."""
    best: Candidate
    separable_cycles: tuple[int, ...]
    """The cycles of each layer in the best combination, as the search assumed them."""
    steps_along_front: int
    """The number of skipped combinations: their sum met the time limit, their real run did not."""
    uniform: tuple[int, Candidate] | None
    """The best tau for all layers at once, and its run; None if no tau meets the limits."""
    baseline_bits: float | None
    """None without a baseline."""
    baseline: Candidate | None
    """The run at the baseline's bits on the same hardware, if any."""
    combinations: Combinations
    hardware_points: int = 1
    """The number of searched hardware configurations."""
    impossible: tuple[str, ...] = ()
    """The reasons why some configurations cannot run the network."""

    @property
    def taus(self) -> dict[str, int | None]:
        """The tau of each layer in bits, by name; None is 1 bit per weight, or full precision."""
        layers = zip(self.task.layers, self.best.taus, strict=True)
        return {layer.name: tau for layer, tau in layers}

    @property
    def notes(self) -> list[str]:
        """The notes on reading the model, and on a DRAM that the chosen clock scales."""
        ignored = ignored_in(self.task.configured(self.best.taus))
        clock = clock_note_of(self.task.hardware) if CLOCK in self.settings else None
        return [*self.workload.notes, *ignored, *([f"{clock}."] if clock else [])]

    @property
    def difference_percent(self) -> float:
        """The simulated time over the sum of separable layer times, less 1, in percent."""
        return 100 * (self.best.cycles / sum(self.separable_cycles) - 1)

    @property
    def at_smallest_taus(self) -> bool:
        """True if no layer could have fewer bits."""
        return self.best.stored_parts == int(self.combinations.bits[0])

    def layer_rows(self) -> list[dict[str, Any]]:
        """The rows of the layers, as plain data."""
        rows = []
        for number, layer in enumerate(self.task.layers):
            tau = self.best.taus[number]
            stored = stored_parts(layer, tau) / PARTS
            base = None if self.baseline is None else self.baseline.layer_cycles[number]
            rows.append(
                {
                    "layer": layer.name,
                    "stage": layer.stage,
                    "tau": tau,
                    "bits": None if layer.full_precision else stored / layer.weights,
                    "stored_kbit": stored / 1e3,
                    "cycles": self.best.layer_cycles[number],
                    "separable_cycles": self.separable_cycles[number],
                    **({} if base is None else {"baseline_cycles": base}),
                    "bound_by": self.best.bound_by[number],
                }
            )
        return rows

    def front_rows(self) -> list[dict[str, Any]]:
        """The best tradeoffs between time and storage, by separable layer times."""
        chosen = self.combinations.front(more_bits(self.objective, self.limits))
        best = zip(self.combinations.cycles[chosen], self.combinations.bits[chosen], strict=True)
        return [
            {
                "time_ms": self.task.milliseconds(int(cycles)),
                "mbit": int(parts) / PARTS / 1e6,
                "mean_bits": int(parts) / PARTS / self.task.weights,
            }
            for cycles, parts in best
        ]

    def summary(self) -> dict[str, Any]:
        """The result as one JSON object."""
        uniform = None
        if self.uniform is not None:
            uniform = {"tau": self.uniform[0], **self._described(self.uniform[1])}
        source = self.task.model_file
        return {
            "model": self.workload.name,
            **({"model_file": source.plain()} if source else {}),
            "scope": self.task.workload.scope,
            **shortcut_data(self.task.workload),
            "operations_counted": operations_counted(self.task.workload.scope),
            "hardware": self.task.hardware.name,
            "settings": dict(self.settings),
            "links": expressions(self.task.hardware),
            "hardware_points": self.hardware_points,
            "impossible_hardware": list(self.impossible),
            "objective": self.objective,
            "notes": self.notes,
            "limits": self.limits.described(),
            "best": self._described(self.best),
            "taus": {row["layer"]: row["tau"] for row in self.layer_rows()},
            "separable_time_ms": self.task.milliseconds(sum(self.separable_cycles)),
            "difference_percent": self.difference_percent,
            "steps_along_front": self.steps_along_front,
            "different_sums_of_bits": len(self.combinations),
            "best_uniform": uniform,
            **self._baseline_fields(),
            "energy_table": self.task.energy.name,
            "layers": self.layer_rows(),
            "engine": self.best.engine,
            "version": __version__,
        }

    def _baseline_fields(self) -> dict[str, Any]:
        """The baseline's bits and values; empty without a baseline."""
        if self.baseline is None:
            return {}
        base = self._described(self.baseline)
        return {"baseline_bits": self.baseline_bits, "baseline": base}

    def performance(self, candidate: Candidate) -> Performance:
        """The performance of a combination, in the layers in scope."""
        return Performance(
            images=self.task.workload.batch,
            time_ms=self.task.milliseconds(candidate.cycles),
            macs=self.task.macs,
            energy_uj=candidate.energy_uj,
        )

    def _described(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "cycles": candidate.cycles,
            "time_ms": self.task.milliseconds(candidate.cycles),
            **self.performance(candidate).rates(),
            "mean_bits": self.task.mean_bits(candidate),
            "mbit": candidate.mbit,
            "energy_uj": candidate.energy_uj,
            "energy_delay_uj_ms": candidate.energy_uj * self.task.milliseconds(candidate.cycles),
            "time_area_ms_mge": self.task.milliseconds(candidate.cycles) * candidate.area / 1e6,
            "area_gate_equivalents": candidate.area,
        }


def more_bits(objective: Objective, limits: Limits) -> bool:
    """True if the search prefers more stored bits."""
    return objective == "capacity" or limits.min_mean_bits is not None
