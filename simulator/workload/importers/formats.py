"""Recognize the format of a trained network's file by its contents, and if need be by its name."""

import zipfile
from pathlib import Path

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.workload import arrays
from simulator.workload.importers.shards import is_split

SUFFIXES = {
    ".pth": "checkpoint",
    ".pt": "checkpoint",
    ".safetensors": "safetensors",
    ".npz": "npz",
    ".tar": "archive",
    ".tgz": "archive",
}
"""Formats of named tensors; `read_<format>` in the module of that name reads a format."""
GRAPHS = {".onnx": "onnx"}
"""Formats with the graph, and therefore the sizes, in addition to the weights.

`read_<format>(path, binarize, input_size)` in the module of that name returns the workload and the
trained layers by name.
"""
_LEGACY_TORCH = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""The magic number at the beginning of torch's format before version 1.6, as a pickled integer."""
_OTHER_FORMATS = {
    (4, b"TFL3"): "a TensorFlow Lite model",
    (0, b"\x89HDF\r\n\x1a\n"): "an HDF5 file, as Keras writes",
    (0, b"GGUF"): "a GGUF model",
}
"""Formats that the simulator knows and does not read: position and bytes of their marks."""
HEAD = 512
"""Number of bytes at the beginning of a file that show its format."""
_TAR = (257, b"ustar")
_GZIP = b"\x1f\x8b"
_USE = (
    "use a network file (.yaml), a workload (.npz), or a trained network (a PyTorch checkpoint, "
    ".safetensors, .npz, or .onnx)"
)


def format_of(path: Path, *, whole: bool = False) -> str | None:
    """The format of a file with named tensors; None if the file is a text, such as YAML.

    Contents decide. The name decides only for damaged files, and for checkpoints named `.tar` that
    are none: those of torch's ImageNet example.

    Args:
        path: the file.
        whole: treat one of several parts as a file of its own.

    Raises:
        InputError: the file is not readable, or a format that the simulator does not read.

    """
    if not whole and is_split(path):
        return "shards"
    suffix = path.suffix.lower()
    head = head_of(path)
    found = _by_contents(path, head)
    if found is not None:
        return found
    for (position, mark), name in _OTHER_FORMATS.items():
        if head[position:].startswith(mark):
            raise InputError(
                f"{path}: is {name}, a format that the simulator does not read; {_USE}"
            )
    if suffix in SUFFIXES:
        return "checkpoint" if suffix in {".tar", ".tgz"} else SUFFIXES[suffix]
    if b"\0" in head and suffix not in {".yaml", ".yml"}:
        raise unreadable(path)
    return None


def unreadable(path: Path) -> InputError:
    """The error for a file of an unknown format."""
    return InputError(f"{path}: unknown format; {_USE}")


def head_of(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        InputError: the file is not readable.

    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _by_contents(path: Path, head: bytes) -> str | None:
    if is_tar(head):  # first, because a tar archive may end with a zip file
        return "archive"
    if is_zip(path):
        return _of_zip(path)
    if head[2:].startswith(_LEGACY_TORCH):
        return "checkpoint"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8:
        return "safetensors"
    return "archive" if head.startswith(_GZIP) else None


def is_zip(path: Path) -> bool:
    """True if a file ends as a zip file does.

    Raises:
        InputError: its directory is damaged.

    """
    with guard.reading(path, "zip file"):
        return zipfile.is_zipfile(path)


def is_tar(head: bytes) -> bool:
    """True if the first bytes are those of a tar archive."""
    position, mark = _TAR
    return head[position:].startswith(mark)


def _of_zip(path: Path) -> str | None:
    with arrays.opened(path, "zip file") as archive:
        names = archive.namelist()
    if any(name.endswith("data.pkl") for name in names):
        return "checkpoint"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    if any("/code/" in name for name in names) or path.suffix.lower() in SUFFIXES:
        return None  # the reader of the name's format reports the damage
    return "archive"
