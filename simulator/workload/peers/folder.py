"""A folder of Timeloop's problems as one network: one layer per file, in the order of the names."""

import re
from collections.abc import Iterator
from pathlib import Path

from simulator.base.errors import InputError
from simulator.base.guard import MOST_NAME, read_text, reading
from simulator.base.yaml_text import parse_yaml
from simulator.workload.peers import timeloop
from simulator.workload.peers.layers import Listed, names

_MOST_ENTRIES = 1 << 12
"""Upper limit of the files in a folder."""
_SUFFIXES = frozenset({".yaml", ".yml"})


def read_folder(folder: Path) -> Listed:
    """Read all problems of a folder, without its subfolders.

    Numbers in names count as numbers: `conv2.yaml` precedes `conv10.yaml`.

    Raises:
        InputError: the folder is unreadable or too large, has no problem, or a problem is wrong.

    """
    with reading(folder, "folder"):
        entries = [path for path in folder.iterdir() if not path.name.startswith(".")]
    if len(entries) > _MOST_ENTRIES:
        raise InputError(f"{folder}: has {len(entries):,} files; the limit is {_MOST_ENTRIES:,}")
    entries.sort(key=_natural)
    layers, others = [], []
    notes: dict[str, list[str]] = {}
    for path in entries:
        found = _problem(path)
        if found is None:
            others.append(path.name)
            continue
        layers += found.layers
        for note in found.notes:
            notes.setdefault(note, []).append(path.name)
    if not layers:
        raise InputError(f"{folder}: is a folder without a problem of Timeloop (.yaml); use a file")
    order = names([layer["name"] for layer in layers])
    return Listed(
        tool="Timeloop",
        layers=layers,
        notes=[
            f"the layers are the folder's problems in the order of their names: {order}.",
            *([f"other files of the folder are left out: {names(others)}."] if others else []),
            *_with_files(notes, len(layers)),
        ],
    )


def _problem(path: Path) -> Listed | None:
    """The layer of a file; None for other files, such as a part that the problems include."""
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return None
    data = parse_yaml(timeloop.expanded(read_text(path), path), str(path))
    return timeloop.read(data, path) if timeloop.is_problem(data) else None


def _natural(path: Path) -> tuple[str, str]:
    """A key that sorts digits as numbers: with leading zeros up to the longest possible name."""
    return re.sub("[0-9]+", lambda found: found[0].zfill(MOST_NAME), path.stem), path.name


def _with_files(notes: dict[str, list[str]], count: int) -> Iterator[str]:
    """The notes of the problems, each once; a note of some problems names them."""
    for note, files in notes.items():
        yield note if len(files) == count else f"{names(files)}: {note}"
