"""A result that has a baseline: the paper's tables compare each run with one."""

from simulator.analysis.outcome import Outcome
from simulator.analysis.run import Run


def baseline_of(result: Outcome) -> Run:
    """Return the baseline of a result that was simulated with one."""
    assert result.baseline is not None  # the paper's array has one by default
    return result.baseline


def speedup_of(result: Outcome) -> float:
    """Baseline cycles over the run's cycles."""
    return baseline_of(result).cycles / result.run.cycles
