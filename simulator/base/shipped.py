"""The shipped hardware configurations and workloads: their folders and their names."""

import re
from pathlib import Path
from typing import Literal

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean

Kind = Literal["hw_configs", "hw_configs/dram", "hw_configs/energy", "workloads"]

KINDS: tuple[Kind, ...] = ("workloads", "hw_configs", "hw_configs/dram", "hw_configs/energy")
"""Every kind of shipped file."""

_FILE_SUFFIXES = {
    ".yaml", ".yml", ".npz", ".pth", ".pt", ".tar", ".safetensors", ".onnx",
}  # fmt: skip
"""Suffixes that mark a name as a file, not as a shipped name."""
_NOUN = {
    "hw_configs": "hardware configuration",
    "hw_configs/dram": "DRAM timing table",
    "hw_configs/energy": "energy table",
    "workloads": "network",
}
_TITLE = re.compile(r"^title:\s*(.+?)\s*$", re.MULTILINE)
_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_folder(kind: Kind) -> Path:
    """The folder of shipped files: in an installed wheel, or next to the package in a checkout."""
    installed = _PACKAGE / "data" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def shipped_names(kind: Kind) -> list[str]:
    """The bare names that `find` knows, sorted."""
    return sorted(path.stem for path in shipped_folder(kind).glob("*.yaml"))


def trained_names() -> list[str]:
    """The bare names of the shipped trained networks, sorted."""
    return sorted(path.stem for path in _trained_folder().glob("*.npz"))


def images_file(path: Path) -> Path:
    """Return the shipped file of images with this name, such as digits.npy, or the path itself.

    A file of the user takes precedence.
    """
    shipped = _trained_folder() / path.name
    known = path.name == str(path) and path.suffix == ".npy" and shipped.is_file()
    return shipped if known and not guard.is_file(path) else path


def _trained_folder() -> Path:
    return shipped_folder("workloads") / "trained"


def shipped_files(kind: Kind) -> dict[str, Path]:
    """The files of one kind by their bare names, trained networks last."""
    files = {name: shipped_folder(kind) / f"{name}.yaml" for name in shipped_names(kind)}
    if kind == "workloads":
        files |= {name: _trained_folder() / f"{name}.npz" for name in trained_names()}
    return files


def noun(kind: Kind) -> str:
    """The noun for a file of this kind: `network`, `energy table`, ..."""
    return _NOUN[kind]


def find(kind: Kind, name_or_path: str | Path) -> Path:
    """Return the file that a bare shipped name or a path means; a network may be a folder.

    Raises:
        InputError: the file or the shipped name does not exist (the error suggests similar names).

    """
    text = str(name_or_path)
    files = shipped_files(kind)
    if text in files:
        return files[text]
    path = guard.require_path(text)
    if guard.is_file(path):
        return path
    if guard.is_folder(path):
        if kind == "workloads":
            return path
        raise InputError(f"{text}: is a folder; use a file")
    listed = ", ".join(files)
    if path.suffix in _FILE_SUFFIXES or len(path.parts) > 1:
        raise InputError(f"{text}: no such file (shipped: {listed})")
    hint = f"{did_you_mean(text, files, titles(files))} shipped are {listed}".lstrip()
    raise InputError(f"unknown {noun(kind)} {text!r}: {hint}")


def titles(files: dict[str, Path]) -> dict[str, str]:
    """The title of each file by name; a YAML file without a title has its name as title."""
    titles = dict.fromkeys(files, "")
    for name, path in files.items():
        if path.suffix == ".yaml":
            found = _TITLE.search(path.read_text(encoding="utf-8"))
            titles[name] = found[1] if found else name
    return titles
