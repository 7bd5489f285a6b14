"""Read state dicts that are split over several files, as Hugging Face's libraries write them.

`NAME.index.json` maps every tensor to its file. The files are called `NAME-00001-of-00003.SUFFIX`;
each of them identifies the whole set.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from numpy.typing import NDArray

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.workload.importers.tensors import TensorFile
from simulator.workload.source import file_sha256

_SHARD = re.compile(r"(.+-)(\d{1,6})(-of-)(\d{1,6})(\.\w+)", re.ASCII)
_MOST_FILES = 1000
_MOST_BYTES = 1 << 26
"""Maximum size of an index file."""


class _Index(Struct):
    weight_map: dict[str, str]


def is_split(path: Path) -> bool:
    """True for an index file, and for one of several parts."""
    return path.name.endswith(".index.json") or _SHARD.fullmatch(path.name) is not None


def parts_of(path: Path) -> list[Path]:
    """The files with the tensors, in order; the file itself if it is not split.

    Raises:
        InputError: a file is missing, or the index is damaged.

    """
    if path.name.endswith(".index.json"):
        names = sorted(set(_weight_map(path).values()))
    elif found := _SHARD.fullmatch(path.name):
        before, number, of, total, suffix = found.groups()
        if not 1 <= int(total) <= _MOST_FILES:
            raise InputError(f"{path}: is one of {total} files; expected 1 to {_MOST_FILES}")
        width = len(number)
        names = [f"{before}{n:0{width}}{of}{total}{suffix}" for n in range(1, int(total) + 1)]
    else:
        return [path]
    if strange := [name for name in names if not name or Path(name).name != name]:
        raise InputError(f"{path}: names {strange[0]!r}, which is not a file in its folder")
    parts = [path.parent / name for name in names]
    for part in parts:
        if not guard.is_file(part):
            raise InputError(f"{path}: its part {part.name} is missing")
    return parts


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of the fingerprints of all parts of a split state dict.

    Raises:
        InputError: a file is missing or not readable.

    """
    if not is_split(path):
        return file_sha256(path)
    digests = "".join(file_sha256(part) for part in parts_of(path))
    return hashlib.sha256(digests.encode()).hexdigest()


def joined(path: Path, parts: list[TensorFile]) -> TensorFile:
    """The tensors of all parts as one file.

    Raises:
        InputError: two parts have a tensor of one name.

    """
    home: dict[str, TensorFile] = {}
    for part in parts:
        for name in part.shapes:
            if name in home:
                raise InputError(f"{path}: {home[name].path.name} and {part.path.name} have {name}")
            home[name] = part

    def load(name: str) -> NDArray[Any]:
        return home[name].load(name)

    return TensorFile(
        path=path,
        shapes={name: part.shapes[name] for name, part in home.items()},
        load=load,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _weight_map(path: Path) -> dict[str, str]:
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise InputError(f"{path}: has {size:,} bytes; expected at most {_MOST_BYTES:,}")
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Index).weight_map
    except (msgspec.DecodeError, RecursionError, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not an index of a state dict's parts: {error}") from error
    if not found:
        raise InputError(f"{path}: names no tensors")
    return found
