"""Safe writing: a file gets its name when it is complete.

An error or an interrupt leaves all files or none.
"""

import csv
import tempfile
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.leftovers import remove_leftovers, temporary_path
from simulator.base.progress import Progress, announce, interrupts_held


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV, with the columns of `rows_text`."""
    path.write_text(rows_text(rows), encoding="utf-8", newline="")


def rows_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as the text of a CSV file.

    The row with the most keys gives the columns and their order. Other rows may lack some of them.
    """
    file = StringIO(newline="")
    writer = csv.DictWriter(file, max(map(list, rows), key=len), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


OWN_FILES = {
    "study.json": "a study",
    "summary.json": "a result",
    "accuracy.csv": "a training study",
    "search.json": "a search",
    "compare.json": "a comparison",
}
"""The file by which a folder of each kind is known, and the kind."""


def folder_for(file: str, folder: str | Path) -> Path:
    """Make a folder for the outputs of a command, or raise InputError.

    Args:
        file: the file of `OWN_FILES` that the command writes.
        folder: the user's folder.

    Raises:
        InputError: the folder is not writable, or holds the files of another kind of command, which
            have the same names.

    """
    path = writable_folder(folder)
    for other, kind in OWN_FILES.items():
        if other != file and guard.is_file(path / other):
            raise InputError(f"{path}: holds {kind} ({other}); choose another --out")
    return path


def writable_folder(folder: str | Path) -> Path:
    """Make a folder, or raise InputError with the reason why it is not writable.

    Remove the files that a killed process has left in it half-written.
    """
    path = guard.require_path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    remove_leftovers(path)
    return path


def writable_file(path: Path) -> None:
    """Raise InputError if the path is not writable: before a run, not after it."""
    if guard.is_folder(guard.require_path(path)):
        raise InputError(f"{path}: is a folder; use a file")
    if not guard.is_folder(path.parent):
        raise InputError(f"{path}: cannot be written: the folder {path.parent} does not exist")
    writable_folder(path.parent)


def write_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Fill a temporary file next to `path` with `write`, then rename it to `path`.

    Raises:
        InputError: the disk is full, or the file is not writable.

    """
    return write_files(path.parent, {path.name: write})[0]


def write_files(
    folder: Path,
    writers: Mapping[str, Callable[[Path], object]],
    progress: Progress | None = None,
) -> list[Path]:
    """Fill a temporary file with each writer, then rename all: Ctrl-C leaves all files or none.

    Args:
        folder: the folder of the files, which exists.
        writers: the writers by file name.
        progress: called before every file.

    Raises:
        InputError: the disk is full, or a file is not writable.

    """
    temporary = {name: temporary_path(folder / name) for name in writers}
    path = folder
    remove_leftovers(folder)
    try:
        for name, write in writers.items():
            announce(progress, f"writing {name}")
            path = folder / name
            write(temporary[name])
        with interrupts_held():
            for name in writers:
                path = folder / name
                temporary[name].replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with interrupts_held():
            for left in temporary.values():
                left.unlink(missing_ok=True)
    return [folder / name for name in writers]
