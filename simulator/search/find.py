"""The search: the exact front by layer, the best point under the limits, and its real run.

Layers run one after another, so a run's time is the sum of its layers' times. A layer's time hangs
on its own tau and, a little, on its neighbours': weights of the next layer are loaded while this
one computes. The search takes each layer's time from a run in which all layers have that tau, finds
the exact optimum of the sum, then simulates the combination and reports how far the sum was off.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from simulator import __version__
from simulator.engine import ENGINES
from simulator.errors import InputError
from simulator.hardware import Hardware
from simulator.search.front import Front, exact_front
from simulator.search.task import PARTS, Candidate, Task, stored_parts
from simulator.workload import Workload
from simulator.workload.precision import MAX_TAU

Objective = Literal["bits", "time"]
_NO_BOUND = (1 << 63) - 1
Progress = Callable[[str, int, int], None]
"""Called with a title, hardware configurations finished and all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a solution must not exceed; None: no such limit."""

    max_time_ms: float | None = None
    mean_bits: float | None = None
    """Stored bits per weight of the binary layers, subsets not counted."""
    max_mbit: float | None = None
    """Stored bits of the binary layers in 1e6, subsets not counted."""

    def described(self) -> dict[str, float]:
        """The limits that there are."""
        every = {
            "max_time_ms": self.max_time_ms,
            "mean_bits": self.mean_bits,
            "max_mbit": self.max_mbit,
        }
        return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The best combination that was found, and what it is compared with."""

    workload: Workload
    task: Task
    objective: Objective
    limits: Limits
    engine: str
    settings: Mapping[str, object]
    """The hardware keys of the grid, as the search chose them."""
    best: Candidate
    separable_cycles: tuple[int, ...]
    """Per layer: the time of the best combination that the search reckoned with."""
    steps_along_front: int
    """Points of the front that were passed over: their real run broke the limit."""
    uniform: tuple[int, Candidate] | None
    """The best tau for all layers at once, and its run; None if none keeps the limits."""
    one_bit: Candidate
    """The network at 1 bit on the same hardware."""
    front: Front
    hardware_points: int = 1
    """How many hardware configurations were searched."""
    impossible: tuple[str, ...] = ()
    """Why some of them cannot run the network."""

    @property
    def difference_percent(self) -> float:
        """Simulated time over the sum of separable layer times, less 1."""
        return 100 * (self.best.cycles / sum(self.separable_cycles) - 1)

    def layer_rows(self) -> list[dict[str, Any]]:
        """One plain row per layer."""
        rows = []
        for number, layer in enumerate(self.task.layers):
            tau = self.best.taus[number]
            stored = stored_parts(layer, tau) / PARTS
            rows.append(
                {
                    "layer": layer.name,
                    "stage": layer.stage,
                    "tau": tau,
                    "bits": None if layer.full_precision else stored / layer.weights,
                    "stored_kbit": stored / 1e3,
                    "cycles": self.best.layer_cycles[number],
                    "separable_cycles": self.separable_cycles[number],
                    "one_bit_cycles": self.one_bit.layer_cycles[number],
                    "bound_by": self.best.bound_by[number],
                }
            )
        return rows

    def front_rows(self) -> list[dict[str, Any]]:
        """Every best trade of time against storage, by separable layer times."""
        return [
            {
                "time_ms": self.task.milliseconds(int(cycles)),
                "mbit": int(parts) / PARTS / 1e6,
                "mean_bits": int(parts) / PARTS / self.task.weights,
            }
            for cycles, parts in zip(self.front.cycles, self.front.bits, strict=True)
        ]

    def summary(self) -> dict[str, Any]:
        """The result as one JSON object."""
        uniform = None
        if self.uniform is not None:
            uniform = {"tau": self.uniform[0], **self._described(self.uniform[1])}
        return {
            "model": self.workload.name,
            "hardware": self.task.hardware.name,
            "settings": dict(self.settings),
            "hardware_points": self.hardware_points,
            "impossible_hardware": list(self.impossible),
            "objective": self.objective,
            "limits": self.limits.described(),
            "best": self._described(self.best),
            "taus": {row["layer"]: row["tau"] for row in self.layer_rows()},
            "separable_time_ms": self.task.milliseconds(sum(self.separable_cycles)),
            "difference_percent": self.difference_percent,
            "steps_along_front": self.steps_along_front,
            "front_points": len(self.front),
            "best_uniform": uniform,
            "one_bit": self._described(self.one_bit),
            "layers": self.layer_rows(),
            "engine": self.engine,
            "version": __version__,
        }

    def _described(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "cycles": candidate.cycles,
            "time_ms": self.task.milliseconds(candidate.cycles),
            "mean_bits": self.task.mean_bits(candidate),
            "mbit": candidate.mbit,
        }


def search(
    workload: Workload,
    machines: Sequence[tuple[Mapping[str, object], Hardware]],
    objective: Objective,
    limits: Limits,
    *,
    taus: Sequence[int] = tuple(range(1, MAX_TAU + 1)),
    engine: str = "event",
    progress: Progress | None = None,
    **options: Any,
) -> SearchResult:
    """Find a tau per layer, and of several hardware configurations the best.

    Args:
        workload: from `load_workload`.
        machines: settings that tell them apart, and the hardware; of equally good ones the first.
        objective: `bits` stores least within `limits.max_time_ms`; `time` runs fastest within
            `limits.mean_bits` and `limits.max_mbit`.
        limits: at least one of the quantity that is not the objective.
        taus: which a layer may have, 1 to 9; 9 is 1 bit per weight (of 1x1 layers 8 is too).
        engine: a name in `simulator.engine.ENGINES`.
        progress: called while the search goes on.
        options: `activation_bits`, `batch` and `include_full_precision` as in `configure`.

    Raises:
        InputError: a limit that no combination keeps, or that does not fit the objective.

    """
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
    problem = _Problem(workload=workload, objective=objective, limits=limits, engine=engine)
    problem.check(taus)
    best: SearchResult | None = None
    beyond: list[InputError] = []
    impossible: list[str] = []
    for number, (settings, hardware) in enumerate(machines):
        if progress is not None:
            progress("hardware", number, len(machines))
        task = Task(workload, hardware, sorted(set(taus)), options, engine)
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
        raise beyond[0] if beyond else InputError(impossible[0])
    return replace(best, hardware_points=len(machines), impossible=tuple(impossible))


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """What is asked, whatever the hardware."""

    workload: Workload
    objective: Objective
    limits: Limits
    engine: str

    def check(self, taus: Sequence[int]) -> None:
        """Raise InputError where limits, taus and objective do not go together."""
        if not taus or min(taus) < 1 or max(taus) > MAX_TAU:
            raise InputError(f"taus {', '.join(map(str, taus))}: expected 1 to {MAX_TAU}")
        for name, value in self.limits.described().items():
            if not 0 < value < float("inf"):
                raise InputError(f"{name} {value:g}: expected more than 0")
        timed = self.limits.max_time_ms is not None
        stored = self.limits.mean_bits is not None or self.limits.max_mbit is not None
        if self.objective == "bits" and (not timed or stored):
            raise InputError("objective bits: give a limit of time, and none of storage")
        if self.objective == "time" and (timed or not stored):
            raise InputError("objective time: give a limit of storage, and none of time")

    def rank(self, task: Task, candidate: Candidate) -> tuple[float, float]:
        """Smaller is better."""
        time, stored = task.milliseconds(candidate.cycles), candidate.stored_parts
        return (stored, time) if self.objective == "bits" else (time, stored)

    def solve(self, task: Task, settings: Mapping[str, object]) -> SearchResult:
        """The best combination on one hardware.

        Raises:
            InputError: none keeps the limits.

        """
        choices = task.choices()
        front = exact_front(choices)
        combinations, steps = self._from_front(task, front)
        uniform = self._best_uniform(task)
        if uniform is not None:
            combinations.append(uniform[1])
        if not combinations:
            raise InputError(self._out_of_reach(task, front))
        best = min(combinations, key=lambda candidate: self.rank(task, candidate))
        options = task.options()
        return SearchResult(
            workload=self.workload,
            task=task,
            objective=self.objective,
            limits=self.limits,
            engine=self.engine,
            settings=settings,
            best=best,
            separable_cycles=tuple(
                int(choice.cycles[taus.index(tau)])
                for choice, taus, tau in zip(choices, options, best.taus, strict=True)
            ),
            steps_along_front=steps,
            uniform=uniform,
            one_bit=task.uniform(MAX_TAU),
            front=front,
        )

    def _from_front(self, task: Task, front: Front) -> tuple[list[Candidate], int]:
        """The first point of the front whose real run keeps the limits, and how many did not."""
        cycles, parts = self._bounds(task)
        allowed = np.flatnonzero((front.cycles <= cycles) & (front.bits <= parts))
        if self.objective == "time":
            allowed = allowed[-1:]
        options = task.options()
        for steps, point in enumerate(allowed.tolist()):
            chosen = front.combination(point)
            taus = [own[option] for own, option in zip(options, chosen, strict=True)]
            candidate = task.simulate(taus)
            if candidate.cycles <= cycles:
                return [candidate], steps
        return [], len(allowed)

    def _best_uniform(self, task: Task) -> tuple[int, Candidate] | None:
        cycles, parts = self._bounds(task)
        good = [
            (tau, run)
            for tau, run in task.uniforms().items()
            if run.cycles <= cycles and run.stored_parts <= parts
        ]
        return min(good, key=lambda pair: self.rank(task, pair[1]), default=None)

    def _bounds(self, task: Task) -> tuple[int, int]:
        """Most cycles and most stored parts; limits count as they are written, in decimal."""
        limits = self.limits
        cycles = parts = _NO_BOUND
        if limits.max_time_ms is not None:
            clock = Fraction(repr(task.hardware.clock_ghz))
            cycles = int(Fraction(repr(limits.max_time_ms)) * clock * 10**6)
        if limits.mean_bits is not None:
            parts = int(Fraction(repr(limits.mean_bits)) * PARTS * task.weights)
        if limits.max_mbit is not None:
            parts = min(parts, int(Fraction(repr(limits.max_mbit)) * PARTS * 10**6))
        return min(cycles, _NO_BOUND), min(parts, _NO_BOUND)

    def _out_of_reach(self, task: Task, front: Front) -> str:
        where = f"{self.workload.name} on {task.hardware.name}"
        if self.objective == "bits":
            least = min(run.cycles for run in task.uniforms().values())
            least = min(least, int(front.cycles[-1]))
            return (
                f"max-time-ms {self.limits.max_time_ms:g}: out of reach of {where}; the fastest "
                f"combination of these taus takes {task.milliseconds(least):.4f} ms"
            )
        parts = int(front.bits[0])
        return (
            f"the limit of storage is out of reach of {where}: with these taus at least "
            f"{parts / PARTS / 1e6:.4f} Mbit, {parts / PARTS / task.weights:.4f} bits per weight"
        )
