"""Where commands print: a console on stdout, a progress bar on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.run import Progress


def console() -> Any:
    """Standard output; as wide as the table where it is no terminal."""
    from rich.console import Console

    # No markup: names come from files, and "[/x]" is a name.
    return Console(width=None if sys.stdout.isatty() else 160, markup=False)


@contextmanager
def progress_on_stderr(quiet: bool, unit: str | None = None) -> Iterator["Progress | None"]:
    """A progress bar on stderr for what takes longer than two seconds, if somebody looks on.

    Args:
        quiet: no bar.
        unit: of what is counted, to show how many a second are done.

    """
    from simulator.compiling import watched

    with watched(None if quiet else _note_missing_compiler):
        if quiet or not sys.stderr.isatty():
            yield None
            return
        from simulator.report.progress import progress_bar

        with progress_bar(unit) as report:
            yield report


def _note_missing_compiler() -> None:
    from simulator.extras import hint

    # A progress bar moves only for what is printed on Python's own stderr.
    print(f"note: running interpreted; {hint('fast')}", file=sys.stderr)
