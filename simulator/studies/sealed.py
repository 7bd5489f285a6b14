"""Files of a study that prove that they are whole: damage is found when a study starts again.

A chunk begins with the checksum of its contents. The tables keep their plain forms; their checksums
are in a file of their own, which is written last.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from simulator.base.errors import InputError
from simulator.base.guard import read_json
from simulator.workload.source import file_sha256

_DIGEST_BYTES = sha256().digest_size


def sealed(contents: bytes) -> bytes:
    """Return contents with their checksum in front."""
    return sha256(contents).digest() + contents


def unsealed(data: bytes) -> bytes | None:
    """Return the contents that follow a checksum; None if they are damaged."""
    digest, contents = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return contents if sha256(contents).digest() == digest else None


def checksums(files: Iterable[Path]) -> bytes:
    """Return the text of a file with the checksums of other files."""
    return (json.dumps({file.name: file_sha256(file) for file in files}, indent=2) + "\n").encode()


def all_whole(proof: Path, files: Iterable[Path]) -> bool:
    """True if a file from `checksums` exists and has the checksum of each of the files."""
    try:
        known = read_json(proof, "list of checksums")
        return all(known.get(file.name) == file_sha256(file) for file in files)
    except InputError:
        return False
