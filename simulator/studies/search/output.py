"""Output of a search: a table for people, files for programs."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from simulator.analysis.settings import expressions
from simulator.analysis.title import scope_title, settings
from simulator.base.figures import figure_settings
from simulator.base.lines import print_line
from simulator.base.wording import counted, in_yaml, listed, significant, times_in_one_unit
from simulator.base.writing import folder_for, write_file, write_rows
from simulator.report.tables import Column, Table, print_table
from simulator.studies.search.result import Found
from simulator.studies.search.task import Candidate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OBJECTIVES = {
    "bits": "least stored bits",
    "time": "least time",
    "capacity": "most stored bits",
    "energy": "least energy",
    "energy-delay": "least energy times delay",
    "time-area": "least time times area",
}

_LIMITS = {
    "max_time_ms": "at most {:g} ms",
    "mean_bits": "at most {:g} bits per weight",
    "min_mean_bits": "at least {:g} bits per weight",
    "max_mbit": "at most {:g} Mbit",
}
"""The wording of each limit, by name."""


def print_search(result: Found, console: Console) -> None:
    """Print the combination by layer, and the runs to compare with."""
    print_table(_table(result), console)
    print_line(console, "")
    for line in sentences(result):
        print_line(console, line)


def _table(result: Found) -> Table:
    """The table with one row per layer: its tau, its storage, and three times."""
    task = result.task
    rows = result.layer_rows()

    def microseconds(key: str) -> list[str]:
        return [f"{1e3 * task.milliseconds(row[key]):,.2f}" for row in rows]

    bits = ["" if row["bits"] is None else f"{row['bits']:.2f}" for row in rows]
    return Table(
        title=_title(result),
        columns=[
            Column(title="layer", cells=[row["layer"] for row in rows], kind="name"),
            Column(title="tau", cells=[_tau(row["tau"], row["bits"]) for row in rows]),
            Column(title="bits", cells=bits, importance=30),
            Column(title="kbit", cells=[f"{row['stored_kbit']:,.1f}" for row in rows]),
            Column(title="µs", cells=microseconds("cycles")),
            Column(title="µs, separable", cells=microseconds("separable_cycles"), importance=20),
            *_baseline_column(result, microseconds),
            Column(
                title="bound by",
                cells=[row["bound_by"] for row in rows],
                kind="text",
                importance=40,
            ),
        ],
    )


def _baseline_column(result: Found, microseconds: Callable[[str], list[str]]) -> list[Column]:
    if result.baseline is None:
        return []
    title, cells = f"µs at {result.baseline_bits:g} bit", microseconds("baseline_cycles")
    return [Column(title=title, cells=cells, importance=50)]


def _title(result: Found) -> str:
    """The title: network, hardware, objective, limits, and the layers that run."""
    run = result.task.workload
    limits = [_LIMITS[name].format(value) for name, value in result.limits.described().items()]
    return (
        f"{run.title}, {run.input_height}x{run.input_width}, on {result.task.hardware.name}: "
        f"{_OBJECTIVES[result.objective]} with {listed(limits)}{settings(run)}; {scope_title(run)}"
    )


def _tau(tau: int | None, bits: float | None) -> str:
    if tau is not None:
        return str(tau)
    return "full" if bits is None else "1 bit"


def sentences(result: Found) -> list[str]:
    """The result in sentences."""
    task = result.task
    lines = [f"best: {_figures(result, result.best)}"]
    if result.hardware_points > 1:
        links = expressions(task.hardware)
        chosen = ", ".join(
            f"{key} = {in_yaml(value)}" + (f" ({links[key]})" if key in links else "")
            for key, value in result.settings.items()
        )
        lines.append(f"hardware: {chosen}; the best of {result.hardware_points}")
    if result.impossible:
        lines.append(
            f"{len(result.impossible)} of them cannot run the network, for example: "
            f"{result.impossible[0]}"
        )
    if result.uniform is None:
        lines.append("uniform: no single tau for all layers meets the limits")
    else:
        tau, run = result.uniform
        name = "1 bit" if set(run.taus) == {None} else f"tau {tau}"
        lines.append(f"best uniform, {name}: {_figures(result, run)}; {_gain(result, run)}")
    if result.baseline is not None:
        lines.append(f"{result.baseline_bits:g} bit: {_figures(result, result.baseline)}")
    simulated = "takes the same"
    if result.difference_percent:
        simulated = (
            f"differs by {result.difference_percent:+.3f} % because the next layer's weights load "
            "during a layer"
        )
    lines.append(
        "exact for separable layer times (dynamic programming over layers, "
        f"{len(result.combinations):,} different sums of bits): their sum is "
        f"{_time(result, sum(result.separable_cycles))}; the simulated run {simulated}"
    )
    if result.objective == "energy":
        lines.append("least energy: exact for separable layer energies")
    if result.objective == "energy-delay":
        lines.append(
            "energy times delay: the better of the combinations of least time and of least energy; "
            "a mix of both may be better"
        )
    lines.append(f"energy by the table {result.task.energy.name}")
    if result.steps_along_front:
        lines.append(
            f"skipped {counted(result.steps_along_front, 'better combination')} because the sum of "
            "layer times meets the time limit but the simulated run does not"
        )
    if result.at_smallest_taus:
        lines.append(
            "every layer has the smallest tau allowed, which is both fastest and smallest; to keep "
            "accuracy, set --taus or --min-mean-bits, or use --objective capacity for the most "
            "bits within a time limit"
        )
    return lines


def _figures(result: Found, run: Candidate) -> str:
    return (
        f"{_time(result, run.cycles)}, {run.mbit:.4f} Mbit, "
        f"{result.task.mean_bits(run):.4f} bits per weight, {run.energy_uj:.2f} µJ, "
        f"{significant(result.performance(run).images_per_second, 4)} images/s"
    )


def _time(result: Found, cycles: int) -> str:
    """A time in the unit of the best time."""
    times = [result.task.milliseconds(each) for each in (result.best.cycles, cycles)]
    return times_in_one_unit(times)[1]


def _gain(result: Found, uniform: Candidate) -> str:
    if uniform.taus == result.best.taus:
        return "no mix of taus is better"
    if result.objective == "bits":
        percent = 100 * (1 - result.best.stored_parts / uniform.stored_parts)
        return f"the best stores {percent:.1f} % less"
    if result.objective == "capacity":
        percent = 100 * (result.best.stored_parts / uniform.stored_parts - 1)
        return f"the best stores {percent:.1f} % more"
    if result.objective.startswith("energy"):
        best, other = (
            run.energy_uj * (run.cycles if result.objective == "energy-delay" else 1)
            for run in (result.best, uniform)
        )
        return f"the best has {100 * (1 - best / other):.1f} % less {result.objective}"
    return f"the best takes {100 * (1 - result.best.cycles / uniform.cycles):.1f} % less time"


def save_search(result: Found, folder: Path) -> list[Path]:
    """Write search.json, front.csv, front.png and front.svg.

    Raises:
        InputError: the folder cannot be written.

    """
    from simulator.report.style import save_figure

    folder = folder_for("search.json", folder)
    text = json.dumps(result.summary(), indent=2) + "\n"
    figure = _draw(result)
    rows = result.front_rows()
    return [
        write_file(folder / "search.json", lambda path: path.write_text(text)),
        write_file(folder / "front.csv", lambda path: write_rows(path, rows)),
        write_file(folder / "front.png", partial(save_figure, figure)),
        write_file(folder / "front.svg", partial(save_figure, figure)),
    ]


def _draw(result: Found) -> "Figure":
    """Draw the front of separable sums, the uniform runs and the solution."""
    settings = {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}
    with figure_settings(settings):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        rows = result.front_rows()
        times, sizes = [row["time_ms"] for row in rows], [row["mbit"] for row in rows]
        axes.plot(times, sizes, color="#0072B2", linewidth=1, label="front, sums of layer times")
        for tau, run in result.task.uniforms().items():
            place = (result.task.milliseconds(run.cycles), run.mbit)
            axes.plot(*place, "o", color="#7F7F7F", markersize=4)
            name = "1 bit" if set(run.taus) == {None} else f"τ = {tau}"
            axes.annotate(name, place, (4, 3), textcoords="offset points", fontsize=7)
        best = result.best
        axes.plot(
            result.task.milliseconds(best.cycles), best.mbit, "*",
            color="#D55E00", markersize=11, label="best, simulated",
        )  # fmt: skip
        if result.limits.max_time_ms is not None:
            axes.axvline(result.limits.max_time_ms, color="0.5", linestyle=":")
        for mean in (result.limits.mean_bits, result.limits.min_mean_bits):
            if mean is not None:
                axes.axhline(mean * result.task.weights / 1e6, color="0.5", linestyle=":")
        if result.limits.max_mbit is not None:
            axes.axhline(result.limits.max_mbit, color="0.5", linestyle=":")
        axes.set_xlabel("time (ms)")
        axes.set_ylabel("stored weights (Mbit)")
        axes.legend(frameon=False)
    return figure
