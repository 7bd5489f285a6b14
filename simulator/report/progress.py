"""A progress bar on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_AFTER_SECONDS = 1.0
"""What is over sooner shows no bar."""


class _Rate(ProgressColumn):
    """How many of the counted things are done per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The rate over the last half minute."""
        return Text("" if task.speed is None else f"{task.speed:,.1f} {self._unit}/s")


@contextmanager
def progress_bar(unit: str | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function of (what, done, total) that draws one bar per thing done.

    Args:
        unit: of what is counted, to show how many a second are done.

    """
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    ]
    if unit is not None:
        columns += [TextColumn("{task.completed:,.0f} of {task.total:,.0f}"), _Rate(unit)]
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    began = time.monotonic()
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if not tasks and time.monotonic() - began < _AFTER_SECONDS:
            return
        if what not in tasks:
            for task in tasks.values():
                bar.remove_task(task)
            tasks.clear()
            bar.start()
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)

    try:
        yield report
    finally:
        bar.stop()
