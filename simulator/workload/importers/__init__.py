"""Files of trained networks: which format a file is in, and who reads it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError

if TYPE_CHECKING:
    from simulator.workload.importers.tensors import TensorFile

SUFFIXES = {
    ".pth": "checkpoint",
    ".pt": "checkpoint",
    ".tar": "checkpoint",
    ".safetensors": "safetensors",
    ".npz": "npz",
}
"""Formats of named tensors: each is read by `read_<format>` in the module of its name."""
GRAPHS = {".onnx": "onnx"}
"""Formats that hold the graph, and so the sizes, beside the weights: each is read by
`read_<format>(path, binarize, input_size)` -> (workload, trained layers by name) in its module."""


def reader_of(format_name: str) -> Callable[..., Any]:
    """The function that reads a format, imported when it is needed."""
    module = import_module(f"simulator.workload.importers.{format_name}")
    reader: Callable[..., Any] = getattr(module, f"read_{format_name}")
    return reader


def read_tensors(path: Path) -> "TensorFile":
    """Read a file of named tensors, by what its name ends in; a zip file, by what it holds.

    Raises:
        InputError: no format that is known, or a broken file.

    """
    tensors: TensorFile = reader_of(_format(path))(path)
    return tensors


def _format(path: Path) -> str:
    import zipfile

    from simulator.workload import arrays

    if zipfile.is_zipfile(path):
        with arrays.opened(path, "zip file") as archive:
            names = archive.namelist()
        if any(name.endswith("data.pkl") for name in names):
            return "checkpoint"
        if any(name.endswith(".npy") for name in names):
            return "npz"
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"{path}: unknown format; use a network file (.yaml), a workload (.npz), or "
            f"a trained network ({', '.join((*SUFFIXES, *GRAPHS))})"
        )
    return SUFFIXES[path.suffix.lower()]
