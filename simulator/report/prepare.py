"""Make traces before reports need them, with progress reports."""

from typing import TYPE_CHECKING

from simulator.base.progress import Progress, announce

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome


def make_traces(result: "Outcome", progress: Progress | None) -> None:
    """Make the traces of all runs, unless they exist.

    Args:
        result: the result, which keeps its traces.
        progress: called before each trace.

    """
    for run in result.runs:
        announce(progress, f"running {run.title}, command by command")
        _ = run.trace
