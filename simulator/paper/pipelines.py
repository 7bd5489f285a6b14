"""`pipelines.md`: BNN and SNN pipelines at equal images per second, and at equal area."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from simulator.analysis.energy import run_energy
from simulator.analysis.running import run_one
from simulator.base.progress import Progress, announce
from simulator.base.wording import listed
from simulator.base.writing import write_file
from simulator.machines import load_energy, load_hardware
from simulator.machines.loading import with_value
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.paper.pipelines_figure import draw
from simulator.report.style import SCREEN, save_figure
from simulator.studies.folding import Folding, FoldObjective, find_folding
from simulator.workload import Workload, configure, load_workload

NETWORK = "cnv-w1a1"
HARDWARE = "streaming-r18"
SHORTEST = ("fifos.depth=2",)
"""Overrides with which the search sizes all FIFOs, from the shortest."""
TAU = 5
"""Bits of an index in the 3x3 layers: 0.56 bits per weight."""
ACTIVATION_BITS = (1, 2, 4, 8)
IMAGES = 4
"""Images of a run: the fewest in which an interval can settle."""
RATE = 3000
"""Images per second of the comparison at equal rate."""
ENERGY = "45nm"
EQUAL_AREA = (
    "The area is at most that of the 1-bit form in the table above. All forms are folded again for "
    "the highest rate in it, the 1-bit form, too.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to run the 3x3 layers."""

    name: str
    sub_bit: bool
    expanded: bool = False


FORMS = (
    Form(name="1-bit MVTU", sub_bit=False),
    Form(name="sub-bit, tables", sub_bit=True),
    Form(name="sub-bit, expanded", sub_bit=True, expanded=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A form with some activation bits, folded for a rate or for an area."""

    form: Form
    activation_bits: int
    objective: FoldObjective
    interval: int
    """Cycles per image."""
    rate: float
    """Images per second."""
    area: int
    """Gate equivalents of the pipeline."""
    memory: int
    """Gate equivalents of memory cells."""
    stage_area: int
    """Gate equivalents of the stages without converters and FIFOs between them."""
    stored_bits: int
    """Bits of weights, or of indices and subsets, in whole bytes of each layer."""
    dots: int
    """Dot units of all tables."""
    table_area: int
    """Gate equivalents of the tables, with their ports and without their dot units."""
    energy_uj: float
    """Microjoules per image of the run, with its filling and draining."""
    areas: Mapping[str, int]
    """Gate equivalents by layer."""
    tables: tuple[str, ...]
    """The layers with tables."""

    @property
    def logic(self) -> int:
        """Gate equivalents of all that is no memory cell."""
        return self.area - self.memory


def point_of(form: Form, activation_bits: int, objective: FoldObjective, found: Folding) -> Point:
    """Return the numbers of a folding."""
    run, parts = found.run, found.area_by_part
    shared = {one.layer: one.fold for one in found.stages if "dots" in one.fold}
    return Point(
        form=form,
        activation_bits=activation_bits,
        objective=objective,
        interval=found.depths.interval,
        rate=found.rate,
        area=found.area,
        memory=sum(parts.get(part, 0) for part in run.family.buffers),
        stage_area=found.stage_area,
        stored_bits=8 * sum(one.stored_bytes for one in run.mapping.layers),
        dots=sum(fold["simd"] * fold["dots"] for fold in shared.values()),
        table_area=parts.get("lut", 0) + parts.get("lut_logic", 0),
        energy_uj=run_energy(run, load_energy(ENERGY)).microjoules / run.workload.batch,
        areas={one.layer: one.area for one in found.stages},
        tables=tuple(shared),
    )


def workload_of(form: Form, activation_bits: int) -> Workload:
    """Return the network with shared kernels in its 3x3 layers, or without."""
    loaded = replace(load_workload(NETWORK), activation_bits=activation_bits)
    taus = {x.name: TAU for x in loaded.layers if x.taps == 9} if form.sub_bit else {}
    return configure(loaded, bits=1, taus=taus, scope="network", batch=IMAGES)


def points(bits: Sequence[int], progress: Progress | None = None) -> Iterator[Point]:
    """Yield all forms at equal rate, and at the area of the 1-bit form then, for each width.

    Args:
        bits: activation bits.
        progress: called before every search.

    """
    for each in bits:
        nets = {form.name: workload_of(form, each) for form in FORMS}
        limit = RATE
        for objective in ("area", "rate"):
            found: dict[str, Folding] = {}
            for form in FORMS:
                announce(progress, f"pipelines, {each}-bit activations, {form.name}, {objective}")
                net, hardware = nets[form.name], load_hardware(HARDWARE, SHORTEST)
                found[form.name] = (
                    expanded(found[FORMS[0].name], net)
                    if form.expanded
                    else find_folding(net, hardware, objective, limit)
                )
                yield point_of(form, each, objective, found[form.name])
            limit = found[FORMS[0].name].area


def expanded(found: Folding, workload: Workload) -> Folding:
    """Return the folding of 1-bit weights with whole kernels of a sub-bit network in its stages.

    Stages of whole kernels have the cycles and the area of those of 1-bit weights. The search would
    therefore find the same folds and depths.
    """
    hardware = with_value(found.hardware, "shared_kernels", "expanded")
    return replace(found, run=run_one(workload, hardware))


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
