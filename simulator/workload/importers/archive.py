"""Read a trained network inside an archive: .tar, .tar.gz, .zip, or a file compressed by gzip."""

import gzip
import shutil
import tarfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import IO, Any

from numpy.typing import NDArray

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.wording import kilobytes
from simulator.workload import arrays
from simulator.workload.importers.formats import HEAD, head_of, is_tar, is_zip
from simulator.workload.importers.names import shown_names
from simulator.workload.importers.tensors import TensorFile

MOST_BYTES = 1 << 31
"""Maximum number of bytes that an archive may unpack to: 2 GiB."""
_CHUNK = 1 << 20
_NETWORKS = frozenset({".pth", ".pt", ".th", ".ckpt", ".bin", ".safetensors", ".npz", ".model"})
"""Suffixes of the members that may be a network, if there is more than one member."""


def read_archived(path: Path, read: Callable[[Path], TensorFile]) -> TensorFile:
    """Unpack the only trained network of an archive into a temporary folder and read it.

    Args:
        path: the archive.
        read: reader of the unpacked file.

    Raises:
        InputError: the archive is damaged or too large, or does not hold exactly one network.

    """
    folder = Path(mkdtemp(prefix="simulate-"))
    try:
        unpacked, member = _unpack(path, folder)
        tensors = read(unpacked)
    except InputError as error:
        shutil.rmtree(folder, ignore_errors=True)
        text = str(error).replace(str(folder / "member"), f"{path}: member")
        raise InputError(text) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise

    def load(name: str) -> NDArray[Any]:
        return tensors.load(name)

    weakref.finalize(load, shutil.rmtree, folder, ignore_errors=True)
    note = f"The weights are those of {member} in {path.name}."
    return replace(tensors, path=path, load=load, notes=(note, *tensors.notes))


def _unpack(path: Path, folder: Path) -> tuple[Path, str]:
    """Unpack the network; return its path and its name in the archive."""
    names = []
    chosen = None
    with guard.reading(path, "archive"):
        for name, stream in _members(path):
            names.append(name)
            if _may_be_network(name):
                if chosen is not None:
                    raise InputError(
                        f"{path}: holds several networks, {chosen} and {name}; unpack it and give "
                        "one of them"
                    )
                chosen = name
                _copy(stream, folder / _safe(name), path)
    if chosen is None:
        raise InputError(
            f"{path}: holds no trained network, only {shown_names(names) or 'nothing'}"
        )
    return folder / _safe(chosen), chosen


def _may_be_network(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _NETWORKS or name.lower().endswith(".pth.tar")


def _safe(name: str) -> str:
    """A file name with the member's suffix."""
    return "member" + PurePosixPath(name).suffix.lower()


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and the contents of every file in an archive, in order."""
    if is_tar(head_of(path)):
        with path.open("rb") as file:
            yield from _of_tar(file)
    elif is_zip(path):
        yield from _of_zip(path)
    else:
        yield from _of_gzip(path)


def _of_zip(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with arrays.opened(path, "zip file") as archive:
        arrays.check_sizes(archive, path)
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as stream:
                    yield info.filename, stream


def _of_gzip(path: Path) -> Iterator[tuple[str, Any]]:
    with gzip.open(path) as file:
        is_archive = is_tar(file.read(HEAD))
    with gzip.open(path) as file:
        if is_archive:
            yield from _of_tar(_Counted(file, path))
        else:
            name = path.name.removesuffix(".gz")
            yield name if _may_be_network(name) else f"{name}.pth", file


def _of_tar(file: Any) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream


class _Counted:
    """A stream that refuses to unpack more than `MOST_BYTES`."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self.stream, self.path, self.left = stream, path, MOST_BYTES

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _too_large(self.path)
        return data


def _copy(stream: IO[bytes], target: Path, path: Path) -> None:
    left = MOST_BYTES
    with target.open("wb") as file:
        while data := stream.read(_CHUNK):
            left -= len(data)
            if left < 0:
                raise _too_large(path)
            file.write(data)


def _too_large(path: Path) -> InputError:
    return InputError(f"{path}: unpacks to more than {kilobytes(MOST_BYTES)}; unpack it yourself")
