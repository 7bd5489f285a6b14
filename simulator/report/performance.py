"""Performance of a result as sentences: throughput, energy per image, operations per second."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.analysis.performance import Performance
from simulator.base.wording import significant

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome

_DIGITS = 4
"""Significant digits of a value."""


def throughput_line(result: "Outcome") -> str:
    """Return the images per second of every run, with batch and scope."""
    batch = result.run.workload.batch
    of_batch = f", batch {batch}" if batch > 1 else ""
    rates = _by_run(result, lambda one: f"{significant(one.images_per_second, _DIGITS)} images/s")
    return f"throughput, scope {result.run.workload.scope}{of_batch}: {rates}"


def energy_line(result: "Outcome") -> str:
    """Return the energy per image of every run of a result with energies, with the scope."""
    spent = _by_run(result, lambda one: f"{significant(one.energy_uj_per_image or 0, _DIGITS)} µJ")
    return f"energy per image, scope {result.run.workload.scope}: {spent}"


def operations_line(result: "Outcome") -> str:
    """Return TOPS and, with energies, TOPS/W of every run, with the meaning of an operation."""
    return f"operations ({result.operations_counted}): {_by_run(result, operations_text)}"


def operations_text(one: Performance) -> str:
    """Return TOPS and, with an energy, TOPS/W of a run."""
    watts = one.tops_per_watt
    efficiency = "" if watts is None else f" and {significant(watts, _DIGITS)} TOPS/W"
    return f"{significant(one.tops, _DIGITS)} TOPS{efficiency}"


def _by_run(result: "Outcome", text: Callable[[Performance], str]) -> str:
    """Return a text of every run, with the run's name."""
    runs = zip(result.runs, result.performance, strict=True)
    return ", ".join(f"{text(one)} at {run.title}" for run, one in runs)
