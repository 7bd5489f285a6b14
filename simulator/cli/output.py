"""Output of commands: a console on stdout, a progress bar on stderr."""

import codecs
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from simulator.base.progress import Progress

_COLUMNS = 80
"""Width of a pipe or a file."""


def console(*, err: bool = False) -> Any:
    """Return standard output with the width of COLUMNS, or of the terminal, or of 80 columns.

    Args:
        err: use standard error instead.

    """
    from rich.console import Console

    # No markup because names come from files, and "[/x]" is a valid name.
    out: Any = Console(width=_width(), markup=False, emoji=False, stderr=err)
    out.on_broken_pipe = _stop
    return out


def _stop() -> NoReturn:
    """Let `main` end the command, as it does for text that is not from rich."""
    raise BrokenPipeError


def open_closed_streams() -> None:
    """Discard the output of a stream that the user closed, as with `>&-`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 # to the end


def drop(stream: Any) -> None:
    """Discard a stream's output, because Python's shutdown would fail on a closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_error(line: str) -> None:
    """Print a line on stderr, or discard it if stderr cannot be written."""
    import click

    try:
        click.echo(line, err=True)
    except OSError:
        drop(sys.stderr)


def write_any_character() -> None:
    """Make stdout and stderr replace characters that they cannot encode, instead of failing."""
    from simulator.base.lines import PLAIN

    def plain(error: UnicodeError) -> tuple[str | bytes, int]:
        assert isinstance(error, UnicodeEncodeError)  # the streams never decode
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
    """Print the file, or the files in a folder, that a command wrote."""
    from simulator.base.lines import print_line

    print_line(console(), f"written: {what}")


def print_notes(notes: Iterable[str], *, err: bool = False) -> None:
    """Print notes, equal ones once."""
    from simulator.base.lines import print_line

    for note in dict.fromkeys(notes):
        print_line(console(err=err), f"note: {note}")


@contextmanager
def progress_on_stderr(quiet: bool, unit: str | None = None) -> Iterator["Progress | None"]:
    """Show a progress bar on stderr after two seconds, if stderr is a terminal.

    Args:
        quiet: show no bar.
        unit: unit of the counted work, to show its rate per second.

    """
    from simulator.base.notices import listening
    from simulator.engine.compiling import watched

    tell = None if quiet else _print_note
    with watched(tell), listening(tell):
        if quiet or not sys.stderr.isatty():
            yield None
            return
        from simulator.report.progress import progress_bar

        with progress_bar(unit) as report:
            yield report


def _print_note(what: str) -> None:
    from simulator.base.lines import wrapped

    # A progress bar moves only for text that goes to Python's own stderr.
    for line in wrapped(f"note: {what}", _width(), indent="  "):
        print(line, file=sys.stderr)
