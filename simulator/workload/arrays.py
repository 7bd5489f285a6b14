"""Read the arrays of a .npz file; check all sizes before allocating memory."""

import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from simulator.base.errors import InputError

_DEFLATE_RATIO = 1032
"""Upper limit of Deflate's ratio: bytes of contents per compressed byte."""
_HEADER_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Member:
    """The shape and type that an array claims; they match the array's size in the file."""

    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool


@contextmanager
def opened(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; turn any error of reading into one line.

    Args:
        path: the file.
        what: kind of the file, for the error, such as `.npz file`.

    Raises:
        InputError: the file is not readable.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (
        zipfile.BadZipFile, zlib.error, EOFError, MemoryError, NotImplementedError, RuntimeError,
        ValueError, OverflowError, struct.error,
    ) as error:  # fmt: skip
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"{path}: not a readable {what}: {reason}") from error


def check_sizes(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse members that claim more bytes than the file can hold.

    Raises:
        InputError: a member claims too many bytes; the error names the member.

    """
    there = path.stat().st_size
    for info in archive.infolist():
        most = info.compress_size
        if info.compress_type != zipfile.ZIP_STORED:
            most = _DEFLATE_RATIO * info.compress_size
        if info.compress_size > there or info.file_size > most:
            raise InputError(
                f"{path}: {_shown(info.filename)} claims {info.file_size:,} bytes, more than this "
                f"file of {there:,} bytes can hold"
            )


def members(archive: zipfile.ZipFile, path: Path) -> dict[str, Member]:
    """Check the claims of every array, without reading its values; return the arrays by name.

    Raises:
        InputError: an array occurs twice, holds Python objects, or has another size than it claims.

    """
    check_sizes(archive, path)
    found: dict[str, Member] = {}
    for info in archive.infolist():
        if not info.filename.endswith(".npy"):
            continue
        name = info.filename.removesuffix(".npy")
        if name in found:
            raise InputError(f"{path}: the array {_shown(name)} occurs twice")
        with archive.open(info) as stream:
            found[name] = _member(info, stream, path)
    return found


def _member(info: zipfile.ZipInfo, stream: IO[bytes], path: Path) -> Member:
    shape, fortran, dtype = _header(stream)
    if dtype.hasobject or dtype.kind not in "iufb":
        raise InputError(
            f"{path}: the array {_shown(info.filename)} is of {dtype}: expected numbers"
        )
    if min(shape, default=1) < 0 or stream.tell() + prod(shape) * dtype.itemsize != info.file_size:
        raise InputError(
            f"{path}: the array {_shown(info.filename)} claims the shape {list(shape)} of {dtype}, "
            f"but takes {info.file_size:,} bytes"
        )
    return Member(info, shape, dtype, fortran)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in readers:
        raise ValueError(f"an array has the .npy version {version[0]}.{version[1]}")
    try:
        with warnings.catch_warnings(action="ignore"):  # for headers that Python 2 wrote
            return readers[version](stream, max_header_size=_HEADER_BYTES)
    except (SyntaxError, tokenize.TokenError) as error:
        raise ValueError("the header of an array is not a dictionary") from error


def read(archive: zipfile.ZipFile, member: Member) -> NDArray[Any]:
    """The values of an array."""
    with archive.open(member.info) as stream:
        _header(stream)
        flat = np.frombuffer(stream.read(), dtype=member.dtype)
    return flat.reshape(member.shape, order="F" if member.fortran else "C")


def _shown(name: str) -> str:
    text = repr(name)
    return text if len(text) <= 80 else text[:77] + "..."
