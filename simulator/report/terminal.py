"""A result as a table in the terminal, by layer and by stage."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from simulator.analysis.notes import notes_of
from simulator.analysis.title import closing, title
from simulator.base.lines import print_line
from simulator.base.wording import counted, time_unit, unit_of
from simulator.program import UnitTerm
from simulator.report.performance import energy_line, operations_line, throughput_line
from simulator.report.pipeline import pipeline_lines
from simulator.report.stages import Sides, by_stage, sides_of
from simulator.report.tables import Column, Form, Table, print_table, scaled

if TYPE_CHECKING:
    from simulator.analysis.energy import OutcomeEnergy
    from simulator.analysis.layers import LayerResult
    from simulator.analysis.outcome import Outcome
    from simulator.check import CheckResult, Classes, LayerCheck

NO_LIMIT = "–"
NO_COMMANDS = "·"
"""The sign for a layer in which no unit is busy for half of the time."""


_Counts = tuple[float, Mapping[str, Any]]
"""Bits per weight, and the counts of parameters and operations at these bits."""


class _Line(NamedTuple):
    """One row: a layer, or a sum of layers."""

    name: str
    layers: Sequence[Sides]
    is_sum: bool

    def total(self, value: "Callable[[LayerResult], float]", side: int = 0) -> float:
        """A value of every layer, added up; side 1 is the baseline."""
        return sum(value(sides[side]) for sides in self.layers)

    @property
    def layer(self) -> "LayerResult | None":
        """The run's only layer; None for a sum."""
        return None if self.is_sum else self.layers[0][0]


def print_result(result: "Outcome", console: Console, *, operations: bool = False) -> None:
    """Print the title, the table, the speedup or the time, and the notes.

    Args:
        result: the result of a simulation.
        console: the terminal.
        operations: True to print operations per second, also of a result without energies.

    """
    lines = _lines(result)
    shown = print_table(_table(result, lines), console)
    print_line(console, "")
    if "lim" in shown:
        print_line(console, _legend(lines, result.units, both="baseline\nlim" in shown))
    speedup, times = closing(result)
    print_line(console, f"{speedup}: {times}", bold=speedup)
    print_line(console, throughput_line(result))
    for line in pipeline_lines(result):
        print_line(console, line)
    if result.energy:
        print_line(console, "")
        _print_energy(result, result.energy, console)
    if result.energy or operations:
        print_line(console, operations_line(result))
    for note in notes_of(result):
        print_line(console, f"note: {note}")
    if result.check is not None:
        for line in check_lines(result.check, result.run.family.title_of):
            print_line(console, f"check: {line}")


def _lines(result: "Outcome") -> list[_Line]:
    """A line per layer, one after the last layer of each stage of several, and the total.

    The sum of a stage with other layers in between tells its number of layers.
    """
    layers = sides_of(result)
    lines = []
    stages, neighbors = by_stage(layers), 0
    for place, sides in enumerate(layers):
        lines.append(_Line(sides[0].name, [sides], False))
        stage = sides[0].stage
        members = stages[stage]
        neighbors = neighbors + 1 if place and layers[place - 1][0].stage == stage else 1
        if len(members) > 1 and sides is members[-1]:
            apart = "" if neighbors == len(members) else f", {len(members)} layers"
            lines.append(_Line(f"= {stage}{apart}", members, True))
    return [*lines, _Line("TOTAL", layers, True)]


def _table(result: "Outcome", lines: list[_Line]) -> Table:
    """All columns; `print_table` chooses those that fit."""
    own, *others = _cycles_of(result, lines)
    letters = [_letters(line, 0) for line in lines]
    return Table(
        title=title(result),
        sums=frozenset(number for number, line in enumerate(lines) if line.layer is None),
        columns=[
            Column(title="layer", cells=[line.name for line in lines], kind="name"),
            Column(title="in→out", cells=[_channels(line.layer) for line in lines], importance=60),
            Column(title="output", cells=[_output(line.layer) for line in lines], importance=50),
            _macs([line.total(_layer_macs) for line in lines]),
            _in_units(scaled("weights", [line.total(_weights) for line in lines]), importance=30),
            _in_units(scaled("cycles", own), unit="cycles", apart=True),
            *(column for base in others for column in _beside(own, base)),
            Column(title="lim", cells=letters, kind="label", importance=70),
            *_wide_columns(result, lines),
        ],
    )


def _cycles_of(result: "Outcome", lines: list[_Line]) -> list[list[int]]:
    """Cycles of every line, by run."""
    return [[int(line.total(_cycles, side)) for line in lines] for side in range(len(result.runs))]


def _beside(own: list[int], base: list[int]) -> Iterable[Column]:
    """The columns of the baseline's cycles and of the speedup."""
    forms = scaled("baseline\ncycles", base)
    yield _in_units(forms, title="baseline", unit="cycles", importance=80)
    speedups = [
        f"{baseline / cycles:.2f}×" if cycles else ""  # a layer fused into another takes none
        for cycles, baseline in zip(own, base, strict=True)
    ]
    yield Column(title="speedup", cells=speedups)


def _wide_columns(result: "Outcome", lines: list[_Line]) -> Iterable[Column]:
    """Further columns for wide terminals, the most important first."""
    by_run = _cycles_of(result, lines)
    times = [[result.milliseconds(cycles) for cycles in side] for side in by_run]
    unit, factor = time_unit(times[0])
    microseconds = [[f"{factor * time:,.2f}" for time in side] for side in times]
    sides = range(len(by_run))
    moved = [[f"{line.total(_moved, side) / 1e3:,.1f}" for line in lines] for side in sides]
    worked = [line.total(lambda layer: layer.working_pe_cycles) for line in lines]
    available = [line.total(lambda layer: layer.pe_cycles) for line in lines]
    shares = [
        f"{100 * work / most:.1f}" if most else ""
        for work, most in zip(worked, available, strict=True)
    ]
    for number, column in enumerate(
        (
            Column(title=unit, cells=microseconds[0]),
            Column(title="PE\nutil. %", cells=shares),
            Column(title="DRAM\nkB", cells=moved[0]),
            *(
                column
                for side in sides[1:]
                for column in (
                    Column(title=f"baseline\n{unit}", cells=microseconds[side]),
                    Column(title="baseline\nkB", cells=moved[side]),
                    Column(
                        title="baseline\nlim",
                        cells=[_letters(line, side) for line in lines],
                        kind="label",
                    ),
                )
            ),
        )
    ):
        yield replace(column, importance=-number, wide=True)


def _in_units(forms: Sequence[Form], *, title: str = "", **more: Any) -> Column:
    """Return a column of numbers that narrow terminals show in larger units."""
    exact, *coarser = forms
    return Column(title=title or exact.title, cells=exact.cells, coarser=coarser, **more)


def _macs(macs: Sequence[float]) -> Column:
    """Return multiply-accumulates in millions; for tiny layers, in thousands or ones."""
    least = min(macs)
    exponent = next((n for n in (2, 1) if least >= 0.1 * 1000**n), 0)
    forms = scaled("MAC", macs)
    if exponent:
        cells = [f"{value / 1000**exponent:.1f}" for value in macs]
        forms = [Form(("kMAC", "MMAC")[exponent - 1], cells), *forms[exponent + 1 :]]
    return _in_units(forms, unit="MAC", importance=40, apart=True)


def _channels(layer: "LayerResult | None") -> str:
    shape = layer.mapped.layer if layer else None
    return f"{shape.in_channels}→{shape.out_channels}" if shape else ""


def _output(layer: "LayerResult | None") -> str:
    shape = layer.mapped.layer if layer else None
    return f"{shape.out_height}x{shape.out_width}" if shape else ""


def _cycles(layer: "LayerResult") -> int:
    return layer.cycles


def _layer_macs(layer: "LayerResult") -> int:
    return layer.macs


def _weights(layer: "LayerResult") -> int:
    return layer.mapped.layer.weights


def _moved(layer: "LayerResult") -> int:
    return layer.dram_read_bytes + layer.dram_written_bytes


def _letters(line: _Line, side: int) -> str:
    """Return the letters of a layer's limits; none for a sum."""
    if line.layer is None:
        return ""
    result = line.layers[0][side]
    without = NO_LIMIT if result.has_commands else NO_COMMANDS
    return "".join(unit.letter for unit in result.limits) or without


def _legend(lines: list[_Line], units: Sequence[UnitTerm], both: bool) -> str:
    """Return an explanation of the letters in the table."""
    used = {c for line in lines for side in (0, 1)[: 1 + both] for c in _letters(line, side)}
    at_once = lines[0].layers[0][0].at_once
    meanings = [(unit.letter, unit.role) for unit in units]
    meanings += [(NO_LIMIT, "units of other layers" if at_once else "latency, no unit")]
    meanings += [(NO_COMMANDS, "fused into another layer")]
    used_meanings = dict.fromkeys(pair for pair in meanings if pair[0] in used)
    named = ", ".join(f"{letter} {name}" for letter, name in used_meanings)
    return f"lim, the bottleneck: {named}."


def check_lines(check: "CheckResult", title_of: Callable[[str], str]) -> list[str]:
    """Return the results of a check: a line per layer, then its scope and inputs."""
    lines = [
        f"{layer.layer} ({title_of(layer.mode)}): {layer.outputs:,} outputs equal"
        if layer.difference is None
        else f"DIFFERENT at {layer.difference}"
        for layer in check.layers
    ]
    wrong = sum(not layer.equal for layer in check.layers)
    verdict = f"{wrong} of {len(lines)} layers differ from" if wrong else "equal to"
    inputs, kernels = [x.inputs for x in check.layers], [x.kernels for x in check.layers]
    if inputs.count("network"):
        images = "random" if check.input_file is None else "given"
        what = f"layers {verdict} their numpy twins; images: {images}; values"
    else:
        what = f"binary layers {verdict} a direct convolution; activations: {_origin(inputs)}"
        what += "; kernels"
    lines.append(
        f"{check.outputs:,} outputs of {len(lines)} {what}: {_origin(kernels)} (seed {check.seed})"
    )
    if check.stream is not None:
        lines.append(_stream_line(check.stream))
    if check.classes is not None:
        lines += _class_lines(check.classes)
    return lines


def _stream_line(stream: "LayerCheck") -> str:
    """Return the comparison of the maps of a pipeline with those of its layers."""
    if stream.difference is not None:
        return f"DIFFERENT in the pipeline's words at {stream.difference}"
    return f"{stream.outputs:,} values of all stages equal, word by word through all units at once"


def _class_lines(classes: "Classes") -> list[str]:
    """Return the agreement of the predicted classes, and the first image without it."""
    of, lines = counted(classes.images, "image"), []
    lines.append(
        f"{classes.as_forward:,} of {of}: the same class as a plain forward pass in floating point"
    )
    if classes.as_trained is not None:
        lines.append(f"{classes.as_trained:,} of {of}: the same class as the trained network")
    if classes.failure is not None:
        lines.append(f"DIFFERENT {classes.failure}")
    return lines


def _origin(where: list[str]) -> str:
    """Return `random`, `given`, or the number of each; layers may have none."""
    counts = {kind: where.count(kind) for kind in ("given", "random") if kind in where}
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{kind} in {count}" for kind, count in counts.items())


def _print_energy(result: "Outcome", energy: "OutcomeEnergy", console: Console) -> None:
    """Print a line per unit, and the energy of the whole run."""
    from simulator.analysis.energy import microjoules, summary, unit_rows

    whole = tuple(one.attojoules for one in energy.runs)
    rows = [*unit_rows(energy, result.units), ("TOTAL", whole)]
    sides = list(zip(*(of_runs for _, of_runs in rows), strict=True))
    spent = [[f"{microjoules(part):,.3f}" for part in side] for side in sides]
    shares = [
        [f"{100 * part / max(1, all_):.1f}" for part in side]
        for side, all_ in zip(sides, whole, strict=True)
    ]
    beside = []
    for own, base in pairwise(sides):
        ratios = [f"{b / a:.2f}×" if a else "" for a, b in zip(own, base, strict=True)]
        beside = [
            Column(title="baseline µJ", cells=spent[1], apart=True),
            Column(title="share %", cells=shares[1], importance=10),
            Column(title="reduction", cells=ratios, importance=30, apart=True),
        ]
    table = Table(
        title=f"energy, {energy.table.title}",
        sums=frozenset({len(rows) - 1}),
        columns=[
            Column(title="unit", cells=[row[0] for row in rows], kind="label"),
            Column(title="µJ", cells=spent[0]),
            Column(title="share %", cells=shares[0], importance=20),
            *beside,
        ],
    )
    print_table(table, console)
    print_line(console, "")
    less, more = _energy_closing(result, summary(result.runs, energy))
    print_line(console, f"{less}: {more}", bold=less)
    print_line(console, energy_line(result))
    print_line(console, f"area: {_area(result)}")


def _energy_closing(result: "Outcome", sums: dict[str, Any]) -> tuple[str, str]:
    """Return the energy that the run saves over its baseline; without one, its energy."""
    own = f"{sums['run']['energy_uj']:.2f} µJ"
    if result.baseline is None:
        return f"energy at {result.run.title}", own
    base, reductions = f"{sums['baseline']['energy_uj']:.2f} µJ", sums["ratios"]
    return (
        f"energy {reductions['energy_uj']:.2f}× less",
        f"{own} at {result.run.title}, {base} at {result.baseline.title}; "
        f"energy-delay {reductions['energy_delay_uj_ms']:.2f}× less, "
        f"DRAM bytes {reductions['dram_bytes']:.2f}× fewer",
    )


def _area(result: "Outcome") -> str:
    """Return the area in thousands of gates: logic, and the much larger buffers."""
    parts = result.area
    buffers = sum(parts.get(part, 0) for part in result.run.family.buffers)
    logic = sum(parts.values()) - buffers
    return f"{logic / 1e3:,.0f} kGE of logic, {buffers / 1e3:,.0f} kGE of buffers"


def print_operations(counts: dict[str, Any], console: Console) -> None:
    """Print the counts of `simulate ops`."""
    base, full = counts["baseline"], counts["full_precision"]
    rows = _unequal((counts["bits"], counts), (base["bits"], base), (32, full))
    ratios = counts["ratios"]
    table = Table(
        title=f"{counts['model']}, {counts['activation_bits']}-bit activations, one image, "
        f"convention {counts['convention']}; {counts['scope']['sentence']}; reduction from "
        f"{base['bits']:g} to {counts['bits']:g} bit",
        ruled=frozenset({len(rows)}),
        columns=[
            Column(title="bits per weight", cells=[*(f"{b:g}" for b, _ in rows), "reduction"]),
            _amounts("params", [row["params_mbit"] for _, row in rows], _BITS, ratios["params"]),
            _amounts(
                "bit operations", [row["bit_ops_g"] for _, row in rows], _COUNTS, ratios["bit_ops"]
            ),
        ],
    )
    print_table(table, console)


def _unequal(*rows: _Counts) -> list[_Counts]:
    """Return the rows without repetitions, such as a second row of full precision."""
    found: dict[tuple[float, ...], _Counts] = {}
    for bits, row in rows:
        found.setdefault((bits, row["params_mbit"], row["bit_ops_g"]), (bits, row))
    return list(found.values())


_BITS = (("Mbit", 1.0), ("kbit", 1e3), ("bit", 1e6))
"""Units of parameters, with their number per Mbit."""
_COUNTS = (("G", 1.0), ("M", 1e3), ("k", 1e6))
"""Units of bit operations, with their number per 10^9."""


def _amounts(
    title: str, values: Sequence[float], units: Sequence[tuple[str, float]], reduction: float
) -> Column:
    """A column of values with three decimals, in a unit that shows the smallest, and a ratio."""
    unit, factor = unit_of(values, units)
    cells = [*(f"{factor * value:,.3f}" for value in values), f"{reduction:.2f}×"]
    return Column(title=f"{title} ({unit})", cells=cells)
