"""reports/training.md: accuracies, and the kernels in use during the training."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.base.writing import writable_folder, write_file
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.paper.printed import TABLE8
from simulator.report.kernels import Snapshot, columns_of
from simulator.report.kernels_figure import plot_kernels
from simulator.report.style import save_figure
from simulator.training.data import load_digits
from simulator.training.methods import Method
from simulator.training.names import TITLES
from simulator.training.study import (
    SNAPSHOT_METHODS,
    SNAPSHOT_PERCENT,
    Record,
    Study,
    rows_of,
)
from simulator.training.summary import Accuracy, accuracies
from simulator.workload import Workload
from simulator.workload.extract import extract

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Snapshots = dict[int, Snapshot]
"""A method's networks by completed percent of the training, 0 to 100."""

_DRAWN_LAYERS = 4
PRINTED_TAU = 5
"""The tau of Table 8."""
_SPEED = (
    "## Simulated speed\n\n"
    "The first seed's networks of 1 bit and SNN ship as workloads. "
    "`simulate reproduce training-speed` simulates them.\n"
)
_COMMAND = "simulate train --out out/training --report reports"


def write(study: Study, records: list[Record], folder: Path) -> list[Path]:
    """Write training.md, its tables as CSV and its figure; return the files written.

    Raises:
        InputError: the folder is not writable, or a checkpoint of the study is missing.

    """
    folder = writable_folder(folder)
    followed = [method for method in study.methods if method.name in SNAPSHOT_METHODS]
    parts = [_recipe(study), *_accuracy(records)]
    written = [write_csv(folder / "training.csv", rows_of(records))]
    if followed:
        snapshots = {method: _snapshots(study, method) for method in followed}
        figure = _figure(snapshots)
        parts += [*_subsets(snapshots), _SPEED]
        picture = folder / "training_figure11.png"
        written.append(write_file(picture, lambda path: save_figure(figure, path)))
    title = "Training study: handwritten digits"
    return [write_report(folder / "training.md", title, _COMMAND, parts), *written]


# Accuracy ----------------------------------------------------------------------------------------


def _recipe(study: Study) -> str:
    digits, recipe = load_digits(), study.recipe
    images = len(digits.test_labels)
    return (
        f"Network `{recipe.network}`, {len(digits.train_labels)} training images and {images} "
        f"test images (one is {100 / images:.2f} %), {recipe.epochs} epochs in batches of "
        f"{recipe.batch}, learning rate {recipe.learning_rate:g}, seeds "
        f"{', '.join(map(str, study.seeds))}. [docs/training.md](../docs/training.md) lists the "
        "sources and assumptions. Images and network are small, and the training is short. The "
        "order of the methods is therefore weak evidence for ImageNet.\n"
    )


def _accuracy(records: list[Record]) -> list[str]:
    entries = accuracies(records)
    return [
        "## Test accuracy\n\n"
        "The table shows the mean over the seeds ± their standard deviation, in percent, for the "
        "network of the last iteration. [training.csv](training.csv) has every run.\n",
        table([_accuracy_row(entry) for entry in entries]),
        *_orders(entries),
        *_gains(entries),
    ]


def _accuracy_row(entry: Accuracy) -> Row:
    method = entry.method
    printed = TABLE8.get(TITLES[method.name], "") if method.tau == PRINTED_TAU else ""
    return {
        "method": TITLES[method.name],
        "tau": "" if method.tau is None else method.tau,
        "bits (W/A)": f"{method.bits:.2f}/{method.activation_bits}",
        "test accuracy (%)": entry.text,
        "individual seeds": ", ".join(f"{value:.2f}" for value in entry.percent),
        "Table 8 (ImageNet, 0.56/32)": printed,
    }


def _orders(entries: list[Accuracy]) -> list[str]:
    """Return a line per tau, and a line for Table 8, with the methods from best to worst."""
    taus = sorted({x.method.tau for x in entries if x.method.tau is not None}, reverse=True)
    lines = []
    for tau in taus:
        best_first = sorted(
            (x for x in entries if x.method.tau == tau), key=lambda x: x.mean, reverse=True
        )
        named = ", ".join(f"{TITLES[x.method.name]} {x.mean:.2f}" for x in best_first)
        lines.append(f"- τ = {tau}: {named}")
    if not lines:
        return []
    printed = sorted(TABLE8, key=lambda title: float(TABLE8[title]), reverse=True)
    named = ", ".join(f"{title} {TABLE8[title]}" for title in printed)
    lines.append(f"- Table 8 of the paper, for another data set and network: {named}")
    return ["Methods by mean accuracy, best first:\n", "\n".join(lines) + "\n"]


def _gains(entries: list[Accuracy]) -> list[str]:
    """Return SNN's gains over Vanilla-SNN by seed; both start from the same weights and subsets."""
    values = {x.method: x.percent for x in entries}
    lines = []
    for method, fixed in values.items():
        refined = values.get(Method("snn", method.tau))
        if method.name == "vanilla" and refined is not None:
            gains = tuple(a - b for a, b in zip(refined, fixed, strict=True))
            each = ", ".join(f"{gain:+.2f}" for gain in gains)
            lines.append(f"- τ = {method.tau}: {Accuracy(method, gains).text} ({each})")
    if not lines:
        return []
    return [
        "Gain of refinement over Vanilla-SNN in percentage points, with the individual seeds in "
        "parentheses. Both methods start from the same weights and subsets and use the same "
        "batches. A mean smaller than its standard deviation does not show a gain.\n",
        "\n".join(lines) + "\n",
    ]


# Subsets over the training -----------------------------------------------------------------------


def _snapshots(study: Study, method: Method) -> Snapshots:
    """Extract the networks of the first seed."""
    return {
        percent: Snapshot(
            label=f"{percent} %",
            workload=extract(path, network=study.recipe.network).workload,
        )
        for percent, path in study.snapshots(method).items()
    }


def _figure(snapshots: dict[Method, Snapshots]) -> "Figure":
    every = [snapshot for series in snapshots.values() for snapshot in series.values()]
    layers = list(every[0].histograms)
    places = np.linspace(0, len(layers) - 1, min(_DRAWN_LAYERS, len(layers))).round().astype(int)
    return plot_kernels(columns_of(every), [layers[place] for place in places])


def _subsets(snapshots: dict[Method, Snapshots]) -> list[str]:
    rows = [_renewed(method, series) for method, series in snapshots.items() if method.tau]
    renewed = (
        "Number of kernels that refinement replaced in a layer's subset, mean over the layers:\n"
    )
    return [
        "## Kernels over the training (Figure 11)\n\n"
        "The figure shows the kernel frequencies of some layers after "
        f"{', '.join(map(str, SNAPSHOT_PERCENT))} % of the epochs of the first seed. Filled "
        "circles mark kernels that the previous snapshot did not use.\n",
        "![Kernels over the training](training_figure11.png)\n",
        *([renewed, table(rows)] if rows else []),
    ]


def _renewed(method: Method, series: Snapshots) -> Row:
    assert method.tau is not None  # the method has subsets
    row: dict[str, object] = {"tau": method.tau, "subset": 2**method.tau}
    for first, last in [*pairwise(series), (0, 100)]:
        new = _mean_new(series[first].workload, series[last].workload)
        row[f"{first} to {last} %"] = f"{new:.1f}"
    return row


def _mean_new(first: Workload, last: Workload) -> float:
    """Mean over the layers of the number of kernels in the subset of `last` but not of `first`."""
    new = []
    for before, after in zip(first.binary_layers, last.binary_layers, strict=True):
        assert before.kernels is not None and after.kernels is not None  # set by `extract`
        new.append(len(set(after.kernels.subset.tolist()) - set(before.kernels.subset.tolist())))
    return sum(new) / len(new)
