"""Figure 12: reductions relative to 1 bit, without and with the first and last layers.

Below them, the speedups that the paper's machine has in the same layers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.base.figures import figure_settings
from simulator.base.progress import Progress
from simulator.base.wording import listed
from simulator.base.writing import write_file
from simulator.paper.figure12_hardware import HARDWARE, hardware_rows
from simulator.paper.markdown import Row, extent, table, write_csv, write_report
from simulator.paper.operations import compare_operations
from simulator.paper.printed import TABLE6
from simulator.report.style import save_figure
from simulator.workload import load_workload

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODELS = ("r18-cifar10", "r50-cifar10", "vgg-small")
TAUS = (6, 5, 4, 3)
ACTIVATION_BITS = 32
"""Supplement, Figure 12: "Activations are not binarized in the models"."""
_DRAWN_SCOPES = ("binary", "weights")
_PANELS = (("params ratio", "parameters"), ("ops ratio", "bit operations"))
_TITLES = {False: "without first and last layers", True: "with first and last layers (32 bit)"}


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write figure12.md, its CSV files and its figure."""
    rows = [_row(model, tau, whole) for whole in _TITLES for model in MODELS for tau in TAUS]
    hardware = hardware_rows(MODELS, TAUS, progress)
    figure = _draw(rows, hardware)
    return [
        write_report(
            folder / "figure12.md",
            "Figure 12: reductions relative to 1-bit networks on CIFAR-10",
            "simulate reproduce figure12",
            [
                "![Figure 12](figure12.png)\n",
                "Activations have 32 bits, as in the paper's figure. The paper's figure prints "
                "no numbers; the last column has the ratios that Table 6 prints. Rows with first "
                "and last layers count those layers, and the 1x1 downsample layers of ResNet-18, "
                "as full precision.\n",
                table(rows),
                "## On hardware\n\n"
                f"Time and energy at 1 bit over those at tau on `{HARDWARE}`. Scope `binary` has "
                "no first and last layers, `weights` has them, in full precision; `network` has "
                "all layers. Activations of 32 bits run bit by bit. The lowest panels of the "
                f"figure show scopes `binary` and `weights` with 32 bits. {_kept(hardware)}\n",
                table(hardware),
            ],
        ),
        write_csv(folder / "figure12.csv", rows),
        write_csv(folder / "figure12_hardware.csv", hardware),
        write_file(folder / "figure12.png", lambda path: save_figure(figure, path)),
        write_file(folder / "figure12.svg", lambda path: save_figure(figure, path)),
    ]


def _kept(hardware: Sequence[Row]) -> str:
    """Return a sentence on the speedups with first and last layers over those without."""
    ratios: dict[object, list[float]] = {}
    for row in hardware:
        binary, weights = (float(str(row[f"speedup {x}"]).rstrip("x")) for x in _DRAWN_SCOPES)
        ratios.setdefault(row["activation bits"], []).append(100 * weights / binary)
    said = [f"{extent(found, '{:.0f} %')} at {bits} bits" for bits, found in ratios.items()]
    return (
        "Speedup with first and last layers over that without, by the bits of activations: "
        f"{listed(said)}."
    )


def _row(model: str, tau: int, whole: bool) -> Row:
    counts = compare_operations(
        load_workload(model),
        tau=tau,
        activation_bits=ACTIVATION_BITS,
        scope="weights" if whole else "binary",
    )
    printed = TABLE6.get((counts["bits"], ACTIVATION_BITS)) if model == "r50-cifar10" else None
    paper = f"{printed[1]}x, {printed[3]}x" if printed and not whole else "not printed"
    return {
        "first and last": "with" if whole else "without",
        "network": model,
        "tau": tau,
        "bits": f"{counts['bits']:.2f}",
        "params (Mbit)": f"{counts['params_mbit']:.3f}",
        "params ratio": f"{counts['ratios']['params']:.2f}x",
        "ops (G)": f"{counts['bit_ops_g']:.3f}",
        "ops ratio": f"{counts['ratios']['bit_ops']:.2f}x",
        "ratios, Table 6": paper,
    }


def _draw(rows: Sequence[Row], hardware: Sequence[Row]) -> "Figure":
    """Draw bars of the ratios: left without, right with first and last layers."""
    with figure_settings({"font.size": 8}):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.5, 6.2), layout="constrained")
        grid = figure.subplots(3, 2, sharey="row")
        for line, (column, what) in enumerate(_PANELS):
            for side, (whole, title) in enumerate(_TITLES.items()):
                same = [row for row in rows if (row["first and last"] == "with") == whole]
                _draw_bars(grid[line][side], same, column)
                if line == 0:
                    grid[line][side].set_title(title, fontsize=8)
            grid[line][0].set_ylabel(f"reduction of {what} (x)")
        same = [row for row in hardware if row["activation bits"] == ACTIVATION_BITS]
        for side, scope in enumerate(_DRAWN_SCOPES):
            _draw_bars(grid[2][side], same, f"speedup {scope}")
        grid[2][0].set_ylabel(f"speedup on {HARDWARE} (x)")
        grid[0][1].legend(frameon=False, ncols=2, fontsize=7)
    return figure


def _draw_bars(axes: "Axes", rows: Sequence[Row], column: str) -> None:
    """Draw a group of bars per network, one bar per tau."""
    for number, tau in enumerate(TAUS):
        values = [float(str(row[column]).rstrip("x")) for row in rows if row["tau"] == tau]
        bars = axes.bar(
            [place + 0.2 * (number - 1.5) for place in range(len(MODELS))],
            values,
            width=0.19,
            label=f"τ = {tau}",
            zorder=2,
            color=("#0072B2", "#56B4E9", "#E69F00", "#D55E00")[number],
        )
        axes.bar_label(bars, fmt="%.1f", fontsize=6)
    axes.axhline(1, color="0.4", linewidth=0.6)
    axes.set_xticks(range(len(MODELS)), MODELS)
    axes.spines[["top", "right"]].set_visible(False)
