"""Where commands print: a console on stdout, a progress bar on stderr."""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from simulator.base.progress import Progress

_COLUMNS = 80
"""Width of a pipe or a file."""


def console(*, err: bool = False) -> Any:
    """Standard output, with the width that COLUMNS or a terminal gives, or else 80.

    Args:
        err: standard error instead.

    """
    from rich.console import Console

    # No markup: names come from files, and "[/x]" is a name.
    out: Any = Console(width=_width(), markup=False, emoji=False, stderr=err)
    out.on_broken_pipe = _stop
    return out


def _stop() -> NoReturn:
    """Let `main` end the command, as it does for what is printed without rich."""
    raise BrokenPipeError


def write_any_character() -> None:
    """Let stdout and stderr replace characters that they cannot encode, instead of failing."""
    from simulator.base.lines import PLAIN

    def plain(error: UnicodeError) -> tuple[str | bytes, int]:
        assert isinstance(error, UnicodeEncodeError)  # nothing is decoded
        text = error.object[error.start : error.end]
        return "".join(PLAIN.get(character, "?") for character in text), error.end

    codecs.register_error("plain", plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdecimal() and 0 < int(columns) < 1 << 16:
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _COLUMNS
    except (OSError, ValueError):  # not a terminal
        return _COLUMNS


def print_written(what: object) -> None:
    """Print which file, or which files in a folder, a command wrote."""
    from simulator.base.lines import print_line

    print_line(console(), f"written: {what}")


@contextmanager
def progress_on_stderr(quiet: bool, unit: str | None = None) -> Iterator["Progress | None"]:
    """A progress bar on stderr for what takes longer than two seconds, if somebody looks on.

    Args:
        quiet: no bar.
        unit: of what is counted, to show how many a second are done.

    """
    from simulator.engine.compiling import watched

    with watched(None if quiet else _print_note):
        if quiet or not sys.stderr.isatty():
            yield None
            return
        from simulator.report.progress import progress_bar

        with progress_bar(unit) as report:
            yield report


def _print_note(what: str) -> None:
    from simulator.base.lines import wrapped

    # A progress bar moves only for what is printed on Python's own stderr.
    for line in wrapped(f"note: {what}", _width(), indent="  "):
        print(line, file=sys.stderr)
