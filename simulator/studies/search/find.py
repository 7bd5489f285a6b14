"""The search: exact over layers, the best combination under the limits, and its real run.

Layers run one after another; a run's time is therefore the sum of its layers' times. A layer's time
depends on its own tau. It also depends slightly on its neighbors' taus because the weights of the
next layer load while a layer computes. The search takes each layer's time from a run in which all
layers have that tau. It finds the exact optimum of the sum. It then simulates the combination and
reports the difference between the sum and the simulated time.

Fewer bits are hardly ever slower. Without a lower limit, `bits` and `time` therefore choose the
smallest tau allowed. A lower limit comes from accuracy, which the search does not model:
`min_mean_bits` and the allowed taus represent it. The objective `capacity` spends a given time on
as many bits as possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np

from simulator.analysis.baseline import Asked
from simulator.analysis.baseline import baseline_bits as bits_of_baseline
from simulator.analysis.running import engine_for
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.machines import EnergyTable, Hardware, load_energy
from simulator.machines.families import scopes_of
from simulator.report.printed import printed
from simulator.studies.axes import DEFAULT_ENERGY
from simulator.studies.search.front import Combinations, fewest_cycles
from simulator.studies.search.output import print_search
from simulator.studies.search.result import Found, Limits, Objective, more_bits
from simulator.studies.search.task import PARTS, Candidate, Task
from simulator.workload import Workload
from simulator.workload.layer import MAX_TAU
from simulator.workload.scope import scope_from

_STORAGE = ("time", "energy", "energy-delay", "time-area")
"""Objectives that run best within limits of storage."""
_OF_STORAGE = frozenset({"mean_bits", "min_mean_bits", "max_mbit"})
_NO_BOUND = (1 << 62) - 1


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchResult(Found):
    """The best combination, and the runs to compare it with."""

    def __repr__(self) -> str:
        """One line: network, hardware, time and mean bits per weight."""
        return (
            f"<SearchResult: {self.workload.name} on {self.task.hardware.name}, "
            f"{self.task.milliseconds(self.best.cycles):.4f} ms, "
            f"{self.task.mean_bits(self.best):.4f} bits per weight>"
        )

    def __str__(self) -> str:
        """The table by layer and the runs to compare with, within 80 columns."""
        return printed(lambda console: print_search(self, console))


def search(
    workload: Workload,
    machines: Sequence[tuple[Mapping[str, object], Hardware]],
    objective: Objective,
    limits: Limits,
    *,
    taus: Sequence[int] = tuple(range(1, MAX_TAU + 1)),
    engine: str = "auto",
    energy: EnergyTable | str | Path = DEFAULT_ENERGY,
    baseline_bits: Asked = None,
    fixed: Mapping[str, int] | None = None,
    chosen: Mapping[int, Workload] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> SearchResult:
    """Find a tau per layer, and the best of several hardware configurations.

    Args:
        workload: from `load_workload`.
        machines: distinguishing overrides, and the hardware; the first wins if several tie.
        objective: `bits` stores the fewest bits and `capacity` the most bits within
            `limits.max_time_ms`. `time` runs fastest within the limits of storage, `energy` takes
            the least energy, `energy-delay` and `time-area` have the least product.
        limits: limits, at least the one that the objective needs.
        taus: taus that a layer may have, 1 to 9; 9 is 1 bit per weight, as is 8 for 1x1 layers.
        engine: a name in `simulator.engine.ENGINES`, or `auto`.
        energy: energy table.
        baseline_bits: bits per weight of the baseline run, as in `simulate`.
        fixed: tau of single layers by name, which the search does not change.
        chosen: the network with chosen subsets, by tau; see `chosen_networks`.
        progress: called during the search.
        options: `activation_bits`, `shortcut_bits`, `batch` and `scope` as in `configure`.

    Raises:
        InputError: a limit that no combination meets, or that does not fit the objective.

    """
    engine_for(engine)
    scopes = scopes_of(hardware.machine for _, hardware in machines)
    options["scope"] = scope_from(options.get("scope"), scopes=scopes)
    problem = _Problem(
        workload=workload,
        objective=objective,
        limits=limits,
        baseline_bits=bits_of_baseline(baseline_bits, machines[0][1].machine),
    )
    table = energy if isinstance(energy, EnergyTable) else load_energy(energy)
    problem.check(taus)
    best: SearchResult | None = None
    beyond: list[InputError] = []
    impossible: list[str] = []
    for number, (settings, hardware) in enumerate(machines):
        if progress is not None:
            progress("hardware", number, len(machines))
        task = Task(
            workload,
            hardware,
            sorted(set(taus)),
            options,
            engine,
            energy=table,
            fixed=fixed,
            chosen=chosen,
        )
        try:
            task.uniforms()
        except InputError as error:
            impossible.append(str(error))
            continue
        try:
            found = problem.solve(task, settings)
        except InputError as error:
            beyond.append(error)
            continue
        if best is None or problem.rank(task, found.best) < problem.rank(best.task, best.best):
            best = found
    if best is None:
        searched = f"searched with taus {', '.join(map(str, sorted(set(taus))))}"
        raise beyond[0] if beyond else InputError(f"{impossible[0]}; {searched}")
    return replace(best, hardware_points=len(machines), impossible=tuple(impossible))


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """The search problem, independent of the hardware."""

    workload: Workload
    objective: Objective
    limits: Limits
    baseline_bits: float | None

    def check(self, taus: Sequence[int]) -> None:
        """Raise InputError if limits, taus and objective do not fit together."""
        if not taus or min(taus) < 1 or max(taus) > MAX_TAU:
            raise InputError(f"taus {', '.join(map(str, taus))}: expected 1 to {MAX_TAU}")
        for name, value in self.limits.described().items():
            if not 0 < value < float("inf"):
                raise InputError(f"{name} {value:g}: expected more than 0")
        given = self.limits.described()
        if self.objective not in _STORAGE and "max_time_ms" not in given:
            raise InputError(f"objective {self.objective}: needs max-time-ms")
        if self.objective in _STORAGE and not given.keys() & _OF_STORAGE:
            raise InputError(
                f"objective {self.objective}: needs mean-bits, min-mean-bits, or max-mbit"
            )
        if self.objective in {"energy", "energy-delay"} and "max_time_ms" in given:
            raise InputError(f"objective {self.objective}: takes no max-time-ms")

    def rank(self, task: Task, candidate: Candidate) -> tuple[float, float]:
        """Return the rank of a candidate; smaller is better."""
        time, stored = task.milliseconds(candidate.cycles), candidate.stored_parts
        if self.objective in _STORAGE:
            cost = {
                "time": time,
                "energy": candidate.energy_uj,
                "energy-delay": candidate.energy_uj * time,
                "time-area": time * candidate.area,
            }[self.objective]
            return cost, -stored if more_bits(self.objective, self.limits) else stored
        return -stored if self.objective == "capacity" else stored, time

    def solve(self, task: Task, settings: Mapping[str, object]) -> SearchResult:
        """Return the best combination on one hardware configuration.

        Raises:
            InputError: no combination meets the limits.

        """
        choices = task.choices()
        every = fewest_cycles(choices)
        found, steps = self._simulated(task, every)
        uniform = self._best_uniform(task)
        frugal = self._least_energy(task) if self.objective.startswith("energy") else None
        good = [run for run in (found, frugal, uniform and uniform[1]) if run is not None]
        if not good:
            raise InputError(self._out_of_reach(task, every))
        best = min(good, key=lambda candidate: self.rank(task, candidate))
        options = task.options()
        bits = self.baseline_bits
        return SearchResult(
            workload=self.workload,
            task=task,
            objective=self.objective,
            limits=self.limits,
            settings=settings,
            best=best,
            separable_cycles=tuple(
                int(choice.cycles[taus.index(tau)])
                for choice, taus, tau in zip(choices, options, best.taus, strict=True)
            ),
            steps_along_front=steps,
            uniform=uniform,
            baseline_bits=bits,
            baseline=None if bits is None else task.baseline(bits),
            combinations=every,
        )

    def _simulated(self, task: Task, every: Combinations) -> tuple[Candidate | None, int]:
        """The best combination whose real run meets the limits, and the number of skipped ones.

        After a combination that breaks the time limit, try only combinations of fewer cycles.
        """
        bounds = self._bounds(task)
        options = task.options()
        least = bounds.cycles + 1
        steps = 0
        for number in self._in_order(every, bounds):
            if every.cycles[number] >= least:
                continue
            taus = [own[place] for own, place in zip(options, every.options(number), strict=True)]
            candidate = task.simulate(taus)
            if candidate.cycles <= bounds.cycles:
                return candidate, steps
            least = int(every.cycles[number])
            steps += 1
        return None, steps

    def _least_energy(self, task: Task) -> Candidate | None:
        """Return the run with the least sum of layer energies within the storage limits, if any."""
        every = fewest_cycles(task.choices("energy"))
        bounds = self._bounds(task)
        for number in self._in_order(every, replace(bounds, cycles=_NO_BOUND))[:1]:
            places = zip(task.options(), every.options(number), strict=True)
            return task.simulate([own[place] for own, place in places])
        return None

    def _in_order(self, every: Combinations, bounds: "_Bounds") -> list[int]:
        """Combinations whose separable sums are within the bounds, best first."""
        within = (every.cycles <= bounds.cycles) & (every.bits <= bounds.most)
        numbers = np.flatnonzero(within & (every.bits >= bounds.least))
        if self.objective == "capacity":
            numbers = numbers[::-1]
        if self.objective in _STORAGE:
            more = -1 if more_bits(self.objective, self.limits) else 1
            numbers = numbers[np.lexsort((more * every.bits[numbers], every.cycles[numbers]))]
        ordered: list[int] = numbers.tolist()
        return ordered

    def _best_uniform(self, task: Task) -> tuple[int, Candidate] | None:
        bounds = self._bounds(task)
        good = [
            (tau, run)
            for tau, run in task.uniforms().items()
            if run.cycles <= bounds.cycles and bounds.least <= run.stored_parts <= bounds.most
        ]
        return min(good, key=lambda pair: self.rank(task, pair[1]), default=None)

    def _bounds(self, task: Task) -> "_Bounds":
        """The limits in cycles and stored parts, exact for their decimal notation."""
        limits = self.limits
        weight_parts = PARTS * task.weights
        cycles = most = Fraction(_NO_BOUND)
        if limits.max_time_ms is not None:
            clock = Fraction(repr(task.hardware.clock_ghz))
            cycles = Fraction(repr(limits.max_time_ms)) * clock * 10**6
        if limits.mean_bits is not None:
            most = Fraction(repr(limits.mean_bits)) * weight_parts
        if limits.max_mbit is not None:
            most = min(most, Fraction(repr(limits.max_mbit)) * PARTS * 10**6)
        least = Fraction(repr(limits.min_mean_bits or 0)) * weight_parts
        return _Bounds(
            cycles=min(floor(cycles), _NO_BOUND),
            most=min(floor(most), _NO_BOUND),
            least=min(ceil(least), _NO_BOUND),
        )

    def _out_of_reach(self, task: Task, every: Combinations) -> str:
        """The requirements of the closest combinations, as an error message."""
        bounds = self._bounds(task)
        stored = (every.bits <= bounds.most) & (every.bits >= bounds.least)
        where = f"{self.workload.name} on {task.hardware.name} with these taus"
        if not stored.any():
            low, high = (int(every.bits[end]) / PARTS for end in (0, -1))
            return (
                f"the storage limits exclude every combination of {where}, which stores "
                f"{low / 1e6:.4f} to {high / 1e6:.4f} Mbit, {low / task.weights:.4f} to "
                f"{high / task.weights:.4f} bits per weight"
            )
        least = task.milliseconds(int(every.cycles[stored].min()))
        return (
            f"max-time-ms {self.limits.max_time_ms:g} excludes every combination of {where}; the "
            f"fastest combination within the storage limits takes {least:.4f} ms"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """The limits on one hardware configuration, both ends included."""

    cycles: int
    most: int
    least: int
