"""A pipeline in the terminal: its images, the unit that sets the interval, a table of units."""

from typing import TYPE_CHECKING

from rich.console import Console

from simulator.analysis.images import ImageTimes
from simulator.analysis.interval import limit_of
from simulator.analysis.stages import StageTime, slowest, stage_times
from simulator.analysis.title import scope_title
from simulator.base.lines import print_line
from simulator.base.wording import counted, significant, times_in_one_unit
from simulator.report.tables import Column, Table, print_table

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome
    from simulator.analysis.run import Run

_MARK = "◀"
"""The sign of the units with the most busy cycles."""


def images_line(images: ImageTimes) -> str:
    """Return the latency of the first image, the interval, and the images per second."""
    (time,) = times_in_one_unit([images.first_cycles / images.clock_ghz / 1e6])
    first = f"first image: {time} ({counted(images.first_cycles, 'cycle')})"
    if len(images.ends) == 1:
        return f"{first}; a batch of several images shows the interval"
    interval = images.interval_cycles
    if interval is None:
        last = counted(images.last_interval or 0, "cycle")
        return (
            f"{first}; the interval has not settled within {len(images.ends)} images: the last is "
            f"{last}"
        )
    rate = significant(images.images_per_second or 0, 4)
    return f"{first}; interval: {counted(interval, 'cycle')}, {rate} images/s"


def pipeline_lines(result: "Outcome") -> list[str]:
    """Return the lines on a pipeline's images and limit; none if layers run one after another."""
    lines = []
    for run in result.runs:
        if run.images is not None:
            lines += [images_line(run.images), limit_of(run).sentence]
    return lines


def print_stages(result: "Outcome", console: Console) -> None:
    """Print one table per run: the cycles of every unit by part, in the order of the pipeline."""
    for run in result.runs:
        print_line(console, "")
        print_table(_table(run, stage_times(run)), console)
        print_line(console, f"{_MARK} most busy cycles. The parts of a row add up to 100 %.")


def _table(run: "Run", stages: tuple[StageTime, ...]) -> Table:
    most = slowest(stages)
    parts = {
        "busy\n%": [one.busy for one in stages],
        "starved\n%": [one.starved for one in stages],
        "blocked\n%": [one.blocked for one in stages],
        "other\n%": [one.other for one in stages],
        "before\nfirst %": [one.before for one in stages],
        "after\nlast %": [one.after for one in stages],
    }
    shown = {title: cells for title, cells in parts.items() if title != "other\n%" or any(cells)}
    whole = max(1, run.cycles)
    return Table(
        title=f"{run.title}: time of every unit: starved waits for words, blocked waits for space; "
        f"{scope_title(run.workload)}",
        columns=[
            Column(
                title="unit",
                cells=[f"{one.unit.title} {_MARK * (one in most)}".rstrip() for one in stages],
                kind="label",
            ),
            Column(
                title="role", cells=[one.unit.role for one in stages], kind="text", importance=5
            ),
            Column(
                title="cycles\nper image", cells=[f"{one.cycles_per_image:,.0f}" for one in stages]
            ),
            *(
                Column(title=title, cells=[f"{100 * one / whole:.2f}" for one in cells])
                for title, cells in shown.items()
            ),
        ],
    )
