"""A progress bar on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""
_AFTER_SECONDS = 1.0
"""What is over sooner shows no bar."""


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yield a function of (what, done, total) that draws one bar per thing done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
    )
    bar = Bars(*columns, console=Console(stderr=True), transient=True)
    began = time.monotonic()
    tasks: dict[str, int] = {}

    def report(what: str, done: int, total: int) -> None:
        if not tasks and time.monotonic() - began < _AFTER_SECONDS:
            return
        if what not in tasks:
            for task in tasks.values():
                bar.remove_task(task)  # type: ignore[arg-type] # TaskID is an int
            tasks.clear()
            bar.start()
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)  # type: ignore[arg-type]

    try:
        yield report
    finally:
        bar.stop()
