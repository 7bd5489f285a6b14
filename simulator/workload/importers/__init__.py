"""Files of trained networks: their formats, and the reader of each format."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.workload.importers.formats import format_of, unreadable

if TYPE_CHECKING:
    from simulator.workload.importers.tensors import TensorFile


def reader_of(format_name: str) -> Callable[..., Any]:
    """Import and return the function that reads a format."""
    module = import_module(f"simulator.workload.importers.{format_name}")
    reader: Callable[..., Any] = getattr(module, f"read_{format_name}")
    return reader


def read_tensors(path: Path) -> "TensorFile":
    """Read a file of named tensors, in whatever format its contents have.

    Raises:
        InputError: the format is unknown, or the file is broken.

    """
    from simulator.workload.importers.shards import joined, parts_of

    name = format_of(path)
    if name == "shards":
        return joined(path, [_one_file(part) for part in parts_of(path)])
    if name == "archive":
        from simulator.workload.importers.archive import read_archived

        return read_archived(path, _one_file)
    return _one_file(path)


def _one_file(path: Path) -> "TensorFile":
    name = format_of(path, whole=True)
    if name is None or name == "archive":
        raise unreadable(path)
    tensors: TensorFile = reader_of(name)(path)
    return tensors
