"""The accuracies that the paper prints: supplement, Tables 6 to 8, in `accuracies.csv`."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """A printed accuracy."""

    network: str
    """Name of the shipped network."""
    dataset: str
    method: str
    """The method as the paper names it."""
    bits: float
    """Bits per weight; 32 is full precision."""
    activation_bits: int
    metric: str
    """`top1`, `mAP`, `AP50` or `AP75`."""
    percent: str
    """The value in percent as printed."""
    table: int
    """The table of the supplement."""


@cache
def accuracies() -> tuple[Accuracy, ...]:
    """Return all printed accuracies in the order of the tables."""
    text = files("simulator.paper").joinpath("accuracies.csv").read_text(encoding="utf-8")
    return tuple(
        Accuracy(
            network=row["network"],
            dataset=row["dataset"],
            method=row["method"],
            bits=float(row["bits"]),
            activation_bits=int(row["activation_bits"]),
            metric=row["metric"],
            percent=row["percent"],
            table=int(row["table"]),
        )
        for row in csv.DictReader(text.splitlines())
    )
