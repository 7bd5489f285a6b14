"""`simulate kernels`: the kernels in use, their frequencies, and the changes in training."""

from dataclasses import replace
from io import StringIO
from math import log2
from pathlib import Path

import numpy as np
import pytest

from simulator.base.errors import InputError
from simulator.report.kernels import (
    Snapshot,
    choose_layers,
    columns_of,
    kernel_rows,
    print_kernels,
    require_comparable,
)
from simulator.report.kernels_files import save_kernels
from simulator.workload import Layer
from simulator.workload.kernels import KernelSet
from tests.build import layer, network

pytestmark = pytest.mark.unit


def trained(
    name: str, subset: list[int], indices: list[list[int]], tau: int | None, kernel: int = 3
) -> Layer:
    """A layer with as many outputs and kernels per output as `indices`."""
    channels = len(indices[0]) * (1 if kernel == 3 else 8)
    shape = layer(channels, len(indices), 4, 4, kernel=kernel, tau=tau, name=name)
    return replace(
        shape,
        kernels=KernelSet(
            9 if kernel == 3 else 8,
            np.array(subset, np.uint16),
            np.array(indices, np.uint16),
        ),
    )


def snapshot(label: str, *layers: Layer) -> Snapshot:
    return Snapshot(label=label, workload=network(*layers))


BEFORE = trained("conv", [0, 7, 7, 511], [[0, 1], [2, 0]], tau=2)
AFTER = trained("conv", [0, 7, 100, 511], [[0, 3], [3, 3]], tau=2)


def test_counts_and_what_follows_from_them() -> None:
    histogram = snapshot("a", BEFORE).histograms["conv"]
    # kernel 0 twice, kernel 7 twice, by either of its two rows; 511 is allowed, but unused
    assert np.flatnonzero(histogram.counts).tolist() == [0, 7]
    assert histogram.counts[[0, 7, 511]].tolist() == [2, 2, 0]
    assert histogram.shares[[0, 7]].tolist() == [50, 50]
    assert (histogram.used, histogram.top_percent) == (2, 100)
    assert histogram.entropy_bits == 1  # two kernels, equally often
    after = snapshot("b", AFTER).histograms["conv"]
    assert after.entropy_bits == pytest.approx(0.25 * log2(4) + 0.75 * log2(4 / 3))


def test_the_16_most_frequent() -> None:
    # 20 kernels: id k occurs k + 1 times, 210 in all; without the 4 rarest: 210 - (1+2+3+4) = 200
    ids = [k for k in range(20) for _ in range(k + 1)]
    histogram = snapshot("a", trained("conv", list(range(20)), [ids], tau=5)).histograms["conv"]
    assert histogram.top_percent == pytest.approx(100 * 200 / 210)


def test_rows() -> None:
    rows = kernel_rows([snapshot("a", BEFORE), snapshot("b", AFTER)])
    assert [(r["snapshot"], r["kernel_id"], r["in_subset"], r["count"]) for r in rows] == [
        ("a", 0, 1, 2), ("a", 7, 1, 2), ("a", 511, 1, 0),
        ("b", 0, 1, 1), ("b", 7, 1, 0), ("b", 100, 1, 0), ("b", 511, 1, 3),
    ]  # fmt: skip
    assert rows[-1]["share_percent"] == 75
    assert rows[0]["bits"] == 0.22  # 2 bits of 9
    one_bit = kernel_rows([snapshot("c", trained("conv", [3, 5], [[0, 1]], tau=None))])
    assert len(one_bit) == 512  # at 1 bit every kernel is allowed
    assert sum(r["count"] for r in one_bit) == 2


def test_columns_are_bit_widths_and_keep_the_order_in_time() -> None:
    bnn = trained("conv", [0], [[0, 0], [0, 0]], tau=None)
    given = [snapshot("z", BEFORE), snapshot("bnn", bnn), snapshot("a", AFTER)]
    assert {bits: [s.label for s in column] for bits, column in columns_of(given).items()} == {
        1.0: ["bnn"],
        0.22: ["z", "a"],
    }
    assert list(columns_of(given)) == [1.0, 0.22]


def test_layers_are_spread_over_the_depth() -> None:
    names = [f"conv{number}" for number in range(11)]
    deep = snapshot("a", *(replace(BEFORE, name=name) for name in names))
    # positions 0, 2, 4, 6, 8, 10
    assert choose_layers(deep, []) == names[::2]
    assert choose_layers(deep, ["conv3", "conv1", "conv3"]) == ["conv3", "conv1"]
    with pytest.raises(InputError, match=r"'conv33': no layer.*did you mean 'conv3'"):
        choose_layers(deep, ["conv33"])


def test_what_cannot_be_compared() -> None:
    require_comparable([snapshot("a", BEFORE), snapshot("b", AFTER)])
    with pytest.raises(InputError, match=r"^b: .*no kernels.*simulate extract"):
        require_comparable([snapshot("a", BEFORE), snapshot("b", replace(AFTER, kernels=None))])
    with pytest.raises(InputError, match=r"^b: .*differ from those of a, first in layer 'conv'"):
        require_comparable([snapshot("a", BEFORE), snapshot("b", replace(AFTER, name="other"))])
    vectors = trained("conv", [0], [[0]], tau=2, kernel=1)
    with pytest.raises(InputError, match="first in layer 'conv'"):
        require_comparable([snapshot("a", BEFORE), snapshot("b", vectors)])


def test_the_figure_shows_every_snapshot_and_its_subset() -> None:
    from simulator.report.kernels_figure import plot_kernels

    snapshots = [snapshot("early", BEFORE), snapshot("late", AFTER)]
    figure = plot_kernels(columns_of(snapshots), ["conv"])
    (axes,) = figure.axes
    circles = [line for line in axes.lines if line.get_marker() == "o"]
    shown = [
        (line.get_xdata().tolist(), line.get_markerfacecolor())  # type: ignore[union-attr]
        for line in circles
    ]
    # ids count from 1; 511 was not in use before; its circle is therefore filled
    assert shown == [([1, 8], "white"), ([], "black"), ([1], "white"), ([512], "black")]
    assert {text.get_text() for text in axes.texts} >= {"early", "late"}
    bars = axes.lines[0]
    heights = np.asarray(bars.get_ydata())
    # two bars of 50 % where the panel's highest is 75 %: 0.8 high is 75 %
    assert np.nanmax(heights) - np.nanmin(heights) == pytest.approx(0.8 * 50 / 75)


def test_many_snapshots_are_drawn_at_most_six_high() -> None:
    from simulator.report.kernels_figure import plot_kernels

    run = [snapshot(f"e{number}", BEFORE) for number in range(11)]
    (axes,) = plot_kernels(columns_of(run), ["conv"]).axes
    labels = [text.get_text() for text in axes.texts if text.get_text().startswith("e")]
    assert labels == ["e0", "e2", "e4", "e6", "e8", "e10"]


def test_names_are_text_not_markup(tmp_path: Path) -> None:
    from rich.console import Console

    odd = replace(BEFORE, name="$a_$ [/b]")
    snapshots = [snapshot("$x^$ [red]", odd), snapshot("late", odd)]
    save_kernels(snapshots, ["$a_$ [/b]"], tmp_path)
    console = Console(width=160, record=True, file=StringIO())
    print_kernels(snapshots[:1], console)
    printed = console.export_text()
    assert "$a_$ [/b]" in printed
    assert "$x^$ [red]" in printed


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    vectors = trained("fc", [3, 200], [[0, 1], [1, 1]], tau=1, kernel=1)
    written = []
    for folder in ("a", "b"):
        snapshots = [snapshot("one", BEFORE, vectors), snapshot("two", AFTER, vectors)]
        paths = save_kernels(snapshots, ["conv", "fc"], tmp_path / folder)
        written.append({path.name: path.read_bytes() for path in paths})
    assert written[0] == written[1]
    assert set(written[0]) == {"kernels.csv", "kernels.png", "kernels.svg"}
