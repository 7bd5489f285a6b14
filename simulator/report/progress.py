"""A progress bar on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from simulator.base.progress import Progress as Report

_AFTER_SECONDS = 1.0
"""The delay of the bar in seconds; shorter work shows no bar."""


class _Rate(ProgressColumn):
    """The number of completed items per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Return the rate over the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:,.1f} {self._unit}/s")


class _Count(ProgressColumn):
    """The number of completed items."""

    def render(self, task: Task) -> Text:
        """Return the number as text, which is empty while the total is unknown."""
        return Text("" if task.total is None else f"{task.completed:,.0f} of {task.total:,.0f}")


@contextmanager
def progress_bar(unit: str | None = None) -> Iterator[Report]:
    """Yield a function of (what, done, total) that draws one bar per task.

    The bar pulses while the total is 0, which means unknown.

    Args:
        unit: the name of the items, to show the number of completed items per second.

    """
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    ]
    if unit is not None:
        columns += [_Count(), _Rate(unit)]
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            for task in tasks.values():
                bar.remove_task(task)
            tasks.clear()
            tasks[what] = bar.add_task(what, total=total or None)
        bar.update(tasks[what], completed=done, total=total or None)

    timer = Timer(_AFTER_SECONDS, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        bar.stop()
