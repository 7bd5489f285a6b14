"""`pipelines.md`: BNN and SNN pipelines side by side."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from simulator.base.progress import Progress
from simulator.base.wording import listed
from simulator.base.writing import write_file
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.paper.pipelines import (
    ACTIVATION_BITS,
    ENERGY,
    HARDWARE,
    IMAGES,
    NETWORK,
    RATE,
    TAU,
    Point,
    points,
)
from simulator.paper.pipelines_figure import draw
from simulator.report.style import SCREEN, save_figure
from simulator.studies.folding import FoldObjective

EQUAL_AREA = (
    "The area is at most that of the 1-bit form in the table above. All forms are folded again for "
    "the highest rate in it, the 1-bit form, too. Rates rise in steps, because folds divide the "
    "layers: a faster folding of the 1-bit form may need little more area.\n"
)


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write pipelines.md, its CSV files and its figure."""
    return write_points(folder, list(points(ACTIVATION_BITS, progress)))


def write_points(folder: Path, every: Sequence[Point]) -> list[Path]:
    """Write the report of some points."""
    rows = [row_of(one) for one in every]
    layers = layer_rows(every)
    figure = draw(every)
    return [
        write_report(
            folder / "pipelines.md",
            "BNN and SNN pipelines side by side",
            "simulate reproduce pipelines",
            [
                _intro(),
                "![Area at equal rate, and images/s at equal area](pipelines.png)\n",
                f"## At least {RATE:,} images/s, least area\n",
                table([row_of(one) for one in every if one.objective == "area"]),
                *sentences(every, "area"),
                "## Equal area, highest rate\n",
                EQUAL_AREA,
                table([row_of(one) for one in every if one.objective == "rate"]),
                *sentences(every, "rate"),
                "## Area by layer at equal rate (GE)\n",
                table([row for row in layers if row["activation bits"] in {1, 8}]),
                *layer_sentences(every),
                _method(),
            ],
        ),
        write_csv(folder / "pipelines.csv", rows),
        write_csv(folder / "pipelines_layers.csv", layers),
        *(
            write_file(folder / f"pipelines.{ending}", partial(save_figure, figure))
            for ending in SCREEN.endings
        ),
    ]


def row_of(point: Point) -> Row:
    """Return a point as a row."""
    return {
        "compared at": "equal rate" if point.objective == "area" else "equal area",
        "activation bits": point.activation_bits,
        "form": point.form.name,
        "cycles per image": f"{point.interval:,}",
        "images/s": f"{point.rate:,.0f}",
        "logic (GE)": f"{point.logic:,}",
        "memory (GE)": f"{point.memory:,}",
        "total (GE)": f"{point.area:,}",
        "stages alone (GE)": f"{point.stage_area:,}",
        "tables (GE)": f"{point.table_area:,}",
        "weights or indices (kbit)": f"{point.stored_bits / 1e3:,.1f}",
        "dot units": point.dots,
        "energy per image (µJ)": f"{point.energy_uj:.2f}",
    }


def layer_rows(every: Sequence[Point]) -> list[Row]:
    """Return the area of each layer in all forms at equal rate."""
    found: list[Row] = []
    for bits, forms in _by_bits(every, "area").items():
        first = next(iter(forms.values()))
        found += [
            {
                "activation bits": bits,
                "layer": layer,
                **{name: f"{one.areas[layer]:,}" for name, one in forms.items()},
            }
            for layer in first.areas
        ]
    return found


def sentences(every: Sequence[Point], objective: FoldObjective) -> list[str]:
    """Compare the sub-bit forms with the 1-bit form, a line per activation width."""
    lines = []
    for bits, forms in _by_bits(every, objective).items():
        base, *others = forms.values()
        parts = []
        for one in others:
            if objective == "area":
                more = one.area / base.area - 1
                alone = one.stage_area / base.stage_area - 1
                parts.append(
                    f"{one.form.name}: {100 * more:+.1f} % area ({100 * alone:+.1f} % in the "
                    "stages alone)"
                )
            else:
                more = one.rate / base.rate - 1
                parts.append(f"{one.form.name}: {100 * more:+.1f} % images/s")
            energy = one.energy_uj / base.energy_uj - 1
            parts[-1] += f", {100 * energy:+.1f} % energy"
        width = f"{bits} bit" if bits == 1 else f"{bits} bits"
        lines.append(f"- {width} per activation, against 1-bit weights: {'; '.join(parts)}.")
    return [*lines, ""]


def layer_sentences(every: Sequence[Point]) -> list[str]:
    """Name the layers that gain and lose with tables at equal rate."""
    lines = []
    for bits, (base, tables, *_) in (
        (bits, list(forms.values())) for bits, forms in _by_bits(every, "area").items()
    ):
        shared = set(tables.tables)
        less = [name for name in shared if tables.areas[name] < base.areas[name]]
        named = [name for name in base.areas if name in less]
        rest = [name for name in base.areas if name in shared - set(less)]
        lines.append(
            f"- {bits}-bit activations: tables make {listed(named) or 'no layer'} smaller and "
            f"{listed(rest) or 'no layer'} larger."
        )
    return [*lines, ""]


def _by_bits(every: Sequence[Point], objective: FoldObjective) -> dict[int, Mapping[str, Point]]:
    chosen = [one for one in every if one.objective == objective]
    groups = groupby(chosen, key=lambda one: one.activation_bits)
    return {bits: {one.form.name: one for one in points} for bits, points in groups}


def _intro() -> str:
    return (
        f"`{NETWORK}` on `{HARDWARE}`, a pipeline with a stage per layer, as `simulate search` "
        f"folds it. The forms differ in the 3x3 layers: 1-bit weights; kernels of {2**TAU} per "
        f"layer ({TAU / 9:.2f} bits per weight) with tables of dot products; and the same network "
        "whose weight memories keep whole kernels (`shared_kernels: expanded`), which runs as the "
        "1-bit form does. The first layer reads 8-bit values; the linear layers have 1 bit per "
        "weight. `activation bits` are those of all other layers. These are results of this "
        "simulator; the paper does not have them.\n"
    )


def _method() -> str:
    return (
        "## Method and assumptions\n\n"
        "- Folds: least area of each stage with at most the cycles of the slowest (exact; "
        "docs/decisions/0077). FIFOs: deepened until the interval is that of the slowest unit "
        "(bounded, not exact).\n"
        f"- Energy: table `{ENERGY}`, runs of {IMAGES} images, with filling and draining.\n"
        "- A table of a layer has a read port for every PE, and the bits of a table with several "
        "ports are flip-flops (docs/streaming-costs.md). The area of the ports grows with PEs, "
        "entries and bits. Tables of fewer ports are smaller and make the stage slower; this "
        "report does not have such tables. The column `tables` bounds what this assumption costs.\n"
        "- A stage of 8-bit activations has a factor and an offset instead of 2^bits - 1 "
        "thresholds. It can therefore take less area and energy than one of 4-bit activations.\n"
        "- The expanded form shows the area without tables: its difference from the tables is "
        "what the ports and the dot units cost or save.\n"
        "- FIFOs: at equal rate, a part of the difference comes from their depths and widths, "
        "which follow the folds.\n"
    )
