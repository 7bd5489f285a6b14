"""Runs in a wider scope, for the outputs that compare it with the result's own scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from simulator.analysis.outcome import RUNS, Outcome
from simulator.analysis.running import run_one
from simulator.analysis.title import closing
from simulator.analysis.wider import Wider
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.machines import Hardware
from simulator.workload import Workload
from simulator.workload.scope import Scope


def wider_scope(loaded: Workload, configured: Workload, hardware: Hardware) -> Scope | None:
    """The widest scope of a network on a machine, if it has more layers than a run.

    Args:
        loaded: the network of the model's file.
        configured: the network of the run.
        hardware: the machine.

    """
    known = loaded.unknown_edges is None and all(x.reads is not None for x in loaded.layers)
    if loaded.layers_left_out or configured.scope == "network":
        return None
    if known and loaded.vector_layers and hardware.vector is not None:
        return "network"
    return "weights" if configured.layers_left_out else None


@dataclass(frozen=True)
class WiderRuns:
    """A callable that runs a network in a wider scope on its first call."""

    workloads: Sequence[Workload]
    """The networks of the run and of its baseline, if any, configured in the wider scope."""
    hardware: Hardware
    engine: str
    progress: Progress | None = None

    def __call__(self) -> Wider:
        """The totals of the runs."""
        return self._wider

    @cached_property
    def _wider(self) -> Wider:
        try:
            outcome = self._outcome()
        except InputError as error:
            return self._of({"error": str(error)}, f"impossible, {error}")
        base = outcome.baseline
        totals = {
            "cycles": outcome.cycles,
            "time_ms": outcome.time_ms,
            **({} if base is None else _with_baseline(outcome, base.cycles)),
        }
        return self._of(totals, ", ".join(closing(outcome)))

    def _outcome(self) -> Outcome:
        run, *others = (
            run_one(one, self.hardware, self.engine, self.progress) for one in self.workloads
        )
        return Outcome(hardware=self.hardware, run=run, baseline=others[0] if others else None)

    def _of(self, totals: dict[str, object], said: str) -> Wider:
        networks = zip(RUNS, self.workloads, strict=False)
        return Wider(
            scope=self.workloads[0].scope,
            totals=totals,
            said=said,
            configuration={name: network.described() for name, network in networks},
        )


def _with_baseline(outcome: Outcome, cycles: int) -> dict[str, object]:
    return {
        "speedup": outcome.speedup,
        "baseline": {"cycles": cycles, "time_ms": outcome.milliseconds(cycles)},
    }
