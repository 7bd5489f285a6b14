"""Cycles by category, and the waits of units, as tables in the terminal."""

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from simulator.analysis.attribution import total
from simulator.analysis.sensitivity import Effect
from simulator.analysis.title import scope_title
from simulator.base.lines import print_line
from simulator.base.wording import time_unit
from simulator.report.tables import Column, Table, print_table

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome
    from simulator.analysis.run import Run


def print_attribution(result: "Outcome", console: Console) -> None:
    """Print one table per run: cycles of every layer by part; parts without cycles are left out.

    A baseline that is the same run has no table of its own, as in `print_waits`.
    """
    for run in result.different_runs:
        print_line(console, "")
        print_table(_attribution(run), console)


def _attribution(run: "Run") -> Table:
    """Return layers, total and percent of the run; categories with the most cycles come first.

    Categories of equal title, each of another layer, share a column.
    """
    by_layer = run.by_title
    whole = total(by_layer)
    titles = sorted((title for title in whole if whole[title]), key=lambda title: -whole[title])
    rows = [*by_layer, whole]
    all_cycles = max(1, run.cycles)
    names = [*(layer.name for layer in run.layers), "TOTAL", "% of the run"]
    cycles = [*(f"{sum(row.values()):,}" for row in rows), "100.00"]
    return Table(
        title=f"{run.title}: cycles of every layer along its critical path; "
        f"{scope_title(run.workload)}",
        sums=frozenset({len(rows) - 1}),
        ruled=frozenset({len(rows) - 1}),
        continued=True,
        columns=[
            Column(title="layer", cells=names, kind="name"),
            Column(title="cycles", cells=cycles),
            *(
                Column(
                    title=title,
                    cells=[
                        *(f"{row[title]:,}" for row in rows),
                        f"{100 * whole[title] / all_cycles:.2f}",
                    ],
                )
                for title in titles
            ),
        ],
    )


def print_waits(result: "Outcome", console: Console) -> None:
    """Print one table per run: cycles for which each unit waits; what costs none is left out."""
    for run in result.different_runs:
        print_line(console, "")
        print_table(_waits(run), console)
    if len(result.different_runs) < len(result.runs):
        print_line(console, "")
        print_line(console, "The baseline has the same tables because it is the same run.")


def _waits(run: "Run") -> Table:
    """Return units with the objects of their waits, the longest waits first."""
    words, waits = run.vocabulary, run.summary.waits.sum(axis=0)
    longest = sorted(zip(*np.nonzero(waits), strict=True), key=lambda pair: -waits[pair])
    all_cycles = max(1, run.cycles)
    return Table(
        title=f"{run.title}: cycles for which units wait; {scope_title(run.workload)}",
        columns=[
            Column(title="unit", cells=[words.units[u].title for u, _ in longest], kind="label"),
            Column(
                title="waits for", cells=[words.channels[c].title for _, c in longest], kind="text"
            ),
            Column(title="cycles", cells=[f"{waits[pair]:,}" for pair in longest]),
            Column(
                title="% of the run",
                cells=[f"{100 * waits[pair] / all_cycles:.2f}" for pair in longest],
            ),
        ],
    )


def print_effects(result: "Outcome", console: Console) -> None:
    """Print the effects of halving and doubling keys, the largest first, with reasons."""
    unit, factor = time_unit([result.time_ms])

    def times(effects: list[Effect]) -> list[str]:
        return ["" if e.time_ms is None else f"{factor * e.time_ms:,.4f}" for e in effects]

    def changes(effects: list[Effect]) -> list[str]:
        return ["–" if e.change is None else f"{100 * e.change:+.2f}" for e in effects]

    effects = result.effects
    halved, doubled = [e.halved for e in effects], [e.doubled for e in effects]
    table = Table(
        title=f"Sensitivity analysis: {result.run.title} took {factor * result.time_ms:.4f} "
        f"{unit}; its time with one hardware key halved or doubled; "
        f"{scope_title(result.run.workload)}",
        columns=[
            Column(title="key", cells=[effect.key for effect in effects], kind="label"),
            Column(title="value", cells=[f"{e.value:g}" for e in effects], importance=90),
            Column(title="halved", cells=[f"{e.value:g}" for e in halved], importance=10),
            Column(title=f"halved\n{unit}", cells=times(halved), importance=20),
            Column(title="halved\nchange %", cells=changes(halved)),
            Column(title="doubled", cells=[f"{e.value:g}" for e in doubled], importance=10),
            Column(title=f"doubled\n{unit}", cells=times(doubled), importance=20),
            Column(title="doubled\nchange %", cells=changes(doubled)),
        ],
    )
    print_line(console, "")
    print_table(table, console)
    print_line(console, "")
    for key in effects:
        for sentence in key.sentences:
            print_line(console, sentence)
    for joint in result.together:
        print_line(console, joint.sentence)
    print_line(console, "The table omits keys that change the time by less than 0.01 %.")
