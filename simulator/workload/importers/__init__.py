"""Files of trained networks: their formats, and the reader of each format."""

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
"""Formats of named tensors; `read_<format>` in the module of that name reads a format."""
GRAPHS = {".onnx": "onnx"}
"""Formats with the graph, and therefore the sizes, in addition to the weights.

`read_<format>(path, binarize, input_size)` in the module of that name returns the workload and the
trained layers by name.
"""


def reader_of(format_name: str) -> Callable[..., Any]:
    """Import and return the function that reads a format."""
    module = import_module(f"simulator.workload.importers.{format_name}")
    reader: Callable[..., Any] = getattr(module, f"read_{format_name}")
    return reader


def read_tensors(path: Path) -> "TensorFile":
    """Read a file of named tensors; zip members or the suffix determine the format.

    Raises:
        InputError: the format is unknown, or the file is broken.

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
