"""Accuracy over the seeds, by method."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from simulator.training.methods import Method
from simulator.training.names import TITLES
from simulator.training.study import Record


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Test accuracies of one method in percent, one value per seed."""

    method: Method
    percent: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return fmean(self.percent)

    @property
    def text(self) -> str:
        """Mean and, for several seeds, standard deviation (n - 1)."""
        if len(self.percent) == 1:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {stdev(self.percent):.2f}"


def accuracies(records: Iterable[Record]) -> list[Accuracy]:
    """Return one entry per method and tau, in the order of the records."""
    groups: dict[Method, list[float]] = {}
    for record in records:
        groups.setdefault(record.of, []).append(100 * record.test_accuracy)
    return [Accuracy(method, tuple(values)) for method, values in groups.items()]


def print_summary(records: Iterable[Record], console: Any) -> None:
    """Print a table of methods."""
    from simulator.report.tables import Column, Table, print_table

    entries = accuracies(records)
    methods = [entry.method for entry in entries]
    taus = ["" if method.tau is None else str(method.tau) for method in methods]
    bits = [f"{method.bits:.2f}/{method.activation_bits}" for method in methods]
    table = Table(
        columns=[
            Column(title="method", cells=[TITLES[m.name] for m in methods], kind="text"),
            Column(title="tau", cells=taus),
            Column(title="bits (W/A)", cells=bits),
            Column(title="seeds", cells=[str(len(entry.percent)) for entry in entries]),
            Column(title="test accuracy %", cells=[entry.text for entry in entries]),
        ]
    )
    print_table(table, console)
