"""A result in a few lines of 80 columns: the output of `print(result)`."""

from typing import TYPE_CHECKING, NamedTuple

from simulator.analysis.title import closing, title
from simulator.base.lines import print_line
from simulator.base.wording import counted, listed, percent
from simulator.report.performance import energy_line, operations_line, throughput_line
from simulator.report.pipeline import pipeline_lines
from simulator.report.printed import COLUMNS, printed
from simulator.report.stages import by_stage, sides_of
from simulator.report.tables import Column, Table, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.analysis.energy import OutcomeEnergy
    from simulator.analysis.outcome import Outcome

_MOST_STAGES = 8
_MOST_LAYERS = 3
_MOST_NAME = 24
"""The most characters of a name in a sentence; `brief` cuts longer names."""


def brief(result: "Outcome") -> str:
    """Return the heading, stages, speedup, times and slowest layers in under 2000 characters."""
    text = printed(lambda console: _draw(result, console))
    return "\n".join(_cut(line, COLUMNS) for line in text.splitlines())


def _draw(result: "Outcome", console: "Console") -> None:
    stages = _stages(result)
    slowest = sorted(stages, key=lambda stage: -stage.cycles)[:_MOST_STAGES]
    print_table(_table(result, [stage for stage in stages if stage in slowest]), console)
    if len(stages) > len(slowest):
        print_line(console, f"({counted(len(stages) - len(slowest), 'faster stage')} not shown)")
    print_line(console, "")
    speedup, times = closing(result)
    print_line(console, f"{speedup}: {times}")
    print_line(console, throughput_line(result))
    for line in pipeline_lines(result):
        print_line(console, line)
    print_line(console, _slowest(result))
    if result.energy:
        print_line(console, _energy(result, result.energy))
        print_line(console, energy_line(result))
        print_line(console, operations_line(result))


def _energy(result: "Outcome", energy: "OutcomeEnergy") -> str:
    table, run = _cut(energy.table.name, _MOST_NAME), energy.run.microjoules
    if result.baseline is None or energy.baseline is None:
        return f"energy at {result.run.title}: {run:,.2f} µJ ({table})"
    base = energy.baseline.microjoules
    return (
        f"energy {base / run:.2f}× less: {run:,.2f} µJ at {result.run.title}, {base:,.2f} µJ "
        f"at {result.baseline.title} ({table})"
    )


class _Stage(NamedTuple):
    name: str
    layers: int
    cycles: int
    baseline: int | None
    """Its cycles, if there is one."""


def _stages(result: "Outcome") -> list[_Stage]:
    """The layers of every stage, added up."""
    stages = []
    for name, layers in by_stage(sides_of(result)).items():
        cycles, *others = (sum(x.cycles for x in side) for side in zip(*layers, strict=True))
        stages.append(_Stage(name, len(layers), cycles, others[0] if others else None))
    return stages


def _table(result: "Outcome", stages: list[_Stage]) -> Table:
    speedups = [f"{x.baseline / x.cycles:.2f}×" for x in stages if x.baseline is not None]
    return Table(
        title=title(result),
        columns=[
            Column(title="stage", cells=[stage.name for stage in stages], kind="name"),
            Column(title="layers", cells=[str(stage.layers) for stage in stages]),
            Column(title="cycles", cells=[f"{stage.cycles:,}" for stage in stages]),
            Column(title="share", cells=[percent(x.cycles / result.cycles) for x in stages]),
            *([Column(title="speedup", cells=speedups)] if speedups else []),
        ],
    )


def _slowest(result: "Outcome") -> str:
    layers = sorted(result.run.layers, key=lambda layer: -layer.cycles)[:_MOST_LAYERS]
    named = [f"{_cut(x.name, _MOST_NAME)} ({counted(x.cycles, 'cycle')})" for x in layers]
    return f"slowest: {listed(named)}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
