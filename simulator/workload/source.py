"""The file that a workload's kernels come from, its fingerprint, and its reading options."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.guard import reading
from simulator.base.shipped import shipped_folder

if TYPE_CHECKING:
    from simulator.workload.centering import Center
    from simulator.workload.subsets import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A workload file or a trained network, and the options for reading it.

    Reading the file again with these options gives the same kernels. Network files have no kernels.
    """

    file: str
    """Shipped name, or the user's path."""
    sha256: str
    """Fingerprint of the file's bytes."""
    network: str | None = None
    input_size: tuple[int, int] | None = None
    binarize: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    """Pairs (name in the file, name in the network)."""
    center: "Center" = "auto"
    subset: "Method | None" = None
    seed: int | None = None
    bits: float | None = None
    tau: int | None = None
    tau_1x1: int | None = None
    taus: tuple[tuple[str, int], ...] = ()
    """Pairs (layer, tau) of single layers."""

    def plain(self) -> dict[str, Any]:
        """The file and its options as plain data, for `model_file` in JSON files."""
        return {**asdict(self), "taus": dict(self.taus)}


def name_of(path: Path) -> str:
    """The shipped name of a file in the package, or the path of any other file."""
    return path.stem if path.is_relative_to(shipped_folder("workloads")) else str(path)


def file_sha256(path: Path) -> str:
    """Compute the fingerprint of a file's bytes.

    Raises:
        InputError: the file is not readable.

    """
    with reading(path, "file"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
