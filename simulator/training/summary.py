"""Accuracy over seeds, method by method."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from simulator.training.methods import Method
from simulator.training.names import TITLES
from simulator.training.study import Record


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Test accuracies of one method, in percent, a value per seed."""

    method: Method
    percent: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return fmean(self.percent)

    @property
    def text(self) -> str:
        """Mean and, of several seeds, their standard deviation (n - 1)."""
        if len(self.percent) == 1:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} ± {stdev(self.percent):.2f}"


def accuracies(records: Iterable[Record]) -> list[Accuracy]:
    """One entry per method and tau, in the order of the records."""
    groups: dict[Method, list[float]] = {}
    for record in records:
        groups.setdefault(record.of, []).append(100 * record.test_accuracy)
    return [Accuracy(method, tuple(values)) for method, values in groups.items()]


def print_summary(records: Iterable[Record], console: Any) -> None:
    """Print a table of methods."""
    from rich.table import Table

    table = Table(box=None)
    for column in ("method", "tau", "bits (W/A)", "seeds", "test accuracy %"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for entry in accuracies(records):
        method = entry.method
        table.add_row(
            TITLES[method.name],
            "" if method.tau is None else str(method.tau),
            f"{method.bits:.2f}/{method.activation_bits}",
            str(len(entry.percent)),
            entry.text,
        )
    console.print(table)
