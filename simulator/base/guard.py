"""The guard: files and paths that a user hands in pass here before any other code reads them.

Every bound is a count of work, such as bytes to read, and never a time: a computer's speed does not
decide which files are allowed. An error is one line; a damaged file causes no other exception.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError

MOST_TEXT = 1 << 26
"""Bytes of the largest text file: hardware, network, points, vocabulary."""
MOST_JSON = 1 << 28
"""Bytes of the largest JSON file; a summary of 1,000 layers has 1 MB."""
MOST_NAME = 255
"""Bytes of the longest name of a file or folder."""
MOST_PATH = 4095
"""Bytes of the longest path."""
_ZEROS = 20
"""Leading zeros that a number may have."""
_REASON = 200
"""Characters of a library's reason in an error."""


@contextmanager
def reading(source: object, what: str) -> Iterator[None]:
    """Turn every exception of a library that reads a user's data into one line.

    Libraries raise arbitrary exceptions on damaged data; some end in a panic of Rust, which is not
    even an `Exception`. Keep the block short: an error of this program would look like a user's.

    Args:
        source: the file, for the error.
        what: its kind, for the error, such as `.npz file`.

    Raises:
        InputError: the data are unreadable.

    """
    try:
        yield
    except (InputError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or reason(error)}") from error
    except BaseException as error:
        raise InputError(f"{source}: not a readable {what}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return the first line of an exception's text, or the name of its type."""
    lines = str(error).strip().splitlines()
    text = "".join(c if c.isprintable() else "?" for c in lines[0]) if lines else ""
    return text[:_REASON] or type(error).__name__


# --- paths ----------------------------------------------------------------------------------------


def require_path(path: str | Path) -> Path:
    """Return a path that the system can have.

    Raises:
        InputError: the path or one of its names is too long, or holds a NUL character or one that
            the system's encoding of names lacks.

    """
    text = str(path)
    if "\0" in text:
        raise InputError(f"{text[:60]!r}: a path cannot hold a NUL character")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        wrong = ord(text[error.start])
        raise InputError(f"{text[:60]!r}: a path cannot hold U+{wrong:04X} here") from error
    for name in Path(text).parts:
        if (size := len(os.fsencode(name))) > MOST_NAME:
            raise InputError(
                f"{name[:40]}...: this name has {size:,} bytes; a file name has at most {MOST_NAME}"
            )
    if (size := len(os.fsencode(text))) > MOST_PATH:
        raise InputError(f"{text[:40]}...: has {size:,} bytes; a path has at most {MOST_PATH:,}")
    return Path(text)


def require_utf8(name: str) -> str:
    """Return a name that tables and text files of the results can hold.

    Raises:
        InputError: the name is that of a file with bytes that are not UTF-8.

    """
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{ascii(name)[:60]}: the results name this file, and its name is not UTF-8; rename it"
        ) from error
    return name


def is_file(path: str | Path) -> bool:
    """True if a file has this path; False for any text that is not a path."""
    return os.path.isfile(path)  # noqa: PTH113 # pathlib's raises OSError if a name is too long


def is_folder(path: str | Path) -> bool:
    """True if a folder has this path; False for any text that is not a path."""
    return os.path.isdir(path)  # noqa: PTH112 # pathlib's raises OSError if a name is too long


def whole_number(text: str, most: int) -> int | None:
    """Return a whole number in ASCII digits from 0 to `most`; None for any other text."""
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(most)) + _ZEROS
    return int(text) if digits and int(text) <= most else None


# --- contents -------------------------------------------------------------------------------------


def read_bytes(path: Path, most: int) -> bytes:
    """Read a whole file.

    Args:
        path: a file, or a device or pipe, of which no more than the limit is read.
        most: the limit in bytes.

    Raises:
        InputError: the file is missing, unreadable or larger than the limit.

    """
    require_path(path)
    with reading(path, "file"), path.open("rb") as file:
        contents = file.read(most + 1)
    if len(contents) > most:
        raise InputError(f"{path}: is larger than {most:,} bytes, the limit for this kind of file")
    return contents


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Read a UTF-8 file.

    Raises:
        InputError: the file is missing, unreadable, too large or not UTF-8.

    """
    contents = read_bytes(path, most)
    try:
        return contents.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from error


def parse_json(
    text: str | bytes, source: object, what: str, parse: Callable[..., Any] = json.loads
) -> Any:
    """Parse JSON text.

    Args:
        text: the text.
        source: the file, for the error.
        what: the meaning of the file, for the error, such as `saved result`.
        parse: the parser.

    Raises:
        InputError: the text is not JSON, is nested too deep, or holds an integer that is too long.

    """
    with reading(source, what):
        return parse(text)


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises:
        InputError: the file is unreadable, or is not a JSON object.

    """
    data = parse_json(read_text(path, MOST_JSON), path, what)
    if not isinstance(data, dict):
        raise InputError(f"{path}: not a readable {what}: expected a JSON object")
    return data
