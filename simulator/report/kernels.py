"""The use of the 512 kernels (3x3), or 256 vectors, by the layers of trained networks.

This module makes the tables of Figure 11 (supplement B); `kernels_figure.py` draws the figure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.base.wording import layers_phrase
from simulator.workload import Layer, Workload
from simulator.workload.kernels import LISTED_WEIGHTS

if TYPE_CHECKING:
    from rich.console import Console


TOP = 16
"""The number of kernels in the table's top percentage."""
DRAWN_LAYERS = 6
"""The number of layers in the figure, unless the user names layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """The uses of each kernel by a layer."""

    layer: Layer
    counts: NDArray[np.int64]
    """[2^weights] number of uses by kernel id."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """[2^weights] percentage of the layer's kernels."""
        return 100 * self.counts / max(1, int(self.counts.sum()))

    @property
    def used(self) -> int:
        """The number of kernels that occur."""
        return int(np.count_nonzero(self.counts))

    @property
    def top_percent(self) -> float:
        """The total percentage of the 16 most frequent kernels."""
        return float(np.sort(self.shares)[-TOP:].sum())

    @property
    def entropy_bits(self) -> float:
        """The entropy of a kernel index: no code for single indices needs fewer bits."""
        shares = self.shares[self.counts > 0] / 100
        return max(0.0, float(-(shares * np.log2(shares)).sum()))

    def in_subset(self) -> NDArray[np.bool_]:
        """Return [2^weights]: True if the layer may use the kernel; at 1 bit, True for all."""
        assert self.layer.kernels is not None  # it has a histogram
        if self.layer.tau is None:
            return np.ones(len(self.counts), dtype=bool)
        return np.isin(np.arange(len(self.counts)), self.layer.kernels.subset)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One network at one time of its training."""

    label: str
    """The name in tables and in the figure."""
    workload: Workload

    @cached_property
    def bits(self) -> float:
        """Bits per weight to two decimals; snapshots of equal bits are one training, in order."""
        return round(self.workload.bits, 2)

    @cached_property
    def histograms(self) -> dict[str, Histogram]:
        """The histogram of every layer that has kernels, by name, in order.

        A layer whose kernels have more than 9 weights has none; see `notes`.
        """
        return {
            layer.name: Histogram(layer=layer, counts=layer.kernels.counts)
            for layer in self.workload.layers
            if layer.kernels is not None and layer.unit_weights <= LISTED_WEIGHTS
        }

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of the workload, and a note on layers without a histogram."""
        kernels = [layer for layer in self.workload.layers if layer.kernels is not None]
        larger = [layer.name for layer in kernels if layer.name not in self.histograms]
        if not larger:
            return self.workload.notes
        layers = layers_phrase(larger, [layer.name for layer in kernels])
        told = layers.inflect(
            f"{{layers}} is left out because its kernels have more than {LISTED_WEIGHTS} weights.",
            f"{{layers}} are left out because their kernels have more than {LISTED_WEIGHTS} "
            "weights.",
        )
        return (*self.workload.notes, told)


def require_comparable(snapshots: Sequence[Snapshot]) -> None:
    """Check that all snapshots have kernels, in layers with the same names and units.

    Raises:
        InputError: a snapshot has no kernels, or other layers than the first snapshot.

    """
    first = None
    for snapshot in snapshots:
        units = {name: x.layer.unit_weights for name, x in snapshot.histograms.items()}
        if not units and any(layer.kernels is not None for layer in snapshot.workload.layers):
            raise InputError(
                f"{snapshot.label}: every kernel has more than {LISTED_WEIGHTS} weights; the "
                "kernels of such layers are too many to list"
            )
        if not units:
            raise InputError(
                f"{snapshot.label}: has shapes but no kernels; extract a trained network first: "
                "simulate extract CHECKPOINT --network NAME -o FILE.npz"
            )
        first = units if first is None else first
        if units != first:
            odd = min(name for name, _ in units.items() ^ first.items())
            raise InputError(
                f"{snapshot.label}: its layers with kernels differ from those of "
                f"{snapshots[0].label}, first in layer {odd!r}; give snapshots of one network"
            )


def columns_of(snapshots: Sequence[Snapshot]) -> dict[float, list[Snapshot]]:
    """Return snapshots by bits per weight, most bits first, in their given order in a column."""
    bits = sorted({snapshot.bits for snapshot in snapshots}, reverse=True)
    return {column: [s for s in snapshots if s.bits == column] for column in bits}


def choose_layers(snapshot: Snapshot, names: Sequence[str]) -> list[str]:
    """Return the layers to draw: the named layers, or at most 6 from the first to the last.

    Raises:
        InputError: no layer with kernels has the name.

    """
    known = list(snapshot.histograms)
    for name in names:
        if name not in known:
            hint = f": {did_you_mean(name, known)}".rstrip(": ")
            raise InputError(f"layers {name!r}: no layer with kernels has this name{hint}")
    if names:
        return list(dict.fromkeys(names))
    places = np.linspace(0, len(known) - 1, min(DRAWN_LAYERS, len(known)))
    return [known[place] for place in np.round(places).astype(int)]


def kernel_rows(snapshots: Iterable[Snapshot]) -> list[dict[str, Any]]:
    """Return the contents of `kernels.csv`: one row per kernel that a layer uses or may use."""
    return [
        {"snapshot": snapshot.label, "bits": snapshot.bits, "layer": name, **row}
        for snapshot in snapshots
        for name, histogram in snapshot.histograms.items()
        for row in _rows(histogram)
    ]


def _rows(histogram: Histogram) -> Iterator[dict[str, Any]]:
    subset, shares = histogram.in_subset(), histogram.shares
    for kernel in np.flatnonzero(subset | (histogram.counts > 0)).tolist():
        yield {
            "kernel_id": kernel,
            "in_subset": int(subset[kernel]),
            "count": int(histogram.counts[kernel]),
            "share_percent": float(f"{shares[kernel]:.6g}"),
        }


def summary(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Return the number of used kernels and the evenness of their use, per snapshot and layer."""
    return {
        "snapshots": [
            {
                "snapshot": snapshot.label,
                "bits": snapshot.bits,
                "notes": list(snapshot.notes),
                "layers": [
                    {
                        "layer": name,
                        "kernels_used": one.used,
                        "subset_kernels": one.layer.subset_size,
                        f"top_{TOP}_percent": one.top_percent,
                        "entropy_bits": one.entropy_bits,
                    }
                    for name, one in snapshot.histograms.items()
                ],
            }
            for snapshot in snapshots
        ]
    }


def print_kernels(snapshots: Sequence[Snapshot], console: "Console") -> None:
    """Print the last snapshot's use of kernels and its new kernels, and the notes of all."""
    from simulator.base.lines import print_line
    from simulator.report.tables import Column, Table, print_table

    columns = columns_of(snapshots)
    rows = [
        (column[-1], column[-1].histograms[name], _new_kernels(column, name))
        for name in snapshots[0].histograms
        for column in columns.values()
    ]
    histograms = [histogram for _, histogram, _ in rows]
    labels = [snapshot.label for snapshot, _, _ in rows]
    bits = [f"{snapshot.bits:.2f}" for snapshot, _, _ in rows]
    top = [f"{h.top_percent:.1f}" for h in histograms]
    entropies = [f"{h.entropy_bits:.2f}" for h in histograms]
    shown = [
        Column(title="layer", cells=[h.layer.name for h in histograms], kind="name"),
        Column(title="snapshot", cells=labels, kind="name"),
        Column(title="bits", cells=bits, importance=60),
        Column(title="kernels used", cells=[str(h.used) for h in histograms]),
        Column(
            title="subset size", cells=[str(h.layer.subset_size) for h in histograms], importance=50
        ),
        Column(title=f"top-{TOP} share %", cells=top, importance=40),
        Column(title="entropy (bits)", cells=entropies, importance=30),
    ]
    if any(len(column) > 1 for column in columns.values()):
        shown.append(Column(title="new since first", cells=[new for _, _, new in rows]))
    several = len(columns) > 1
    firsts = range(len(columns), len(rows), len(columns)) if several else ()
    print_table(Table(columns=shown, ruled=frozenset(firsts)), console)
    for snapshot in snapshots:
        for note in snapshot.notes:
            print_line(console, f"note: {snapshot.label}: {note}")


def _new_kernels(column: Sequence[Snapshot], layer: str) -> str:
    """Return the number of kernels that the last snapshot adds to the first; "" for one only."""
    first, last = (snapshot.histograms[layer].counts for snapshot in (column[0], column[-1]))
    return str(np.count_nonzero((last > 0) & (first == 0))) if len(column) > 1 else ""
