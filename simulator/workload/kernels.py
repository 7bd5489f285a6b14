"""Which kernels a layer uses: its subset, and every kernel's index into it.

A kernel's *id* is the number that its signs spell, first weight first, +1 as a 1: of the 512 3x3
kernels 0 is all -1 and 511 all +1 (the paper counts them from 1). A vector of 8 likewise has an id
from 0 to 255.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KernelSet:
    """The kernels of one layer; two sets are equal if their contents are.

    Raises:
        ValueError: an id out of range, or an index that is no row of the subset.

    """

    unit_weights: int
    """Weights per kernel: 9 (3x3) or 8 (a vector of a 1x1 layer)."""
    subset: NDArray[np.uint16]
    """[n] kernel ids, n >= 1; duplicates are legal."""
    indices: NDArray[np.uint16]
    """[out_channels, units per group] rows of `subset`."""

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        if self.subset.ndim != 1 or self.indices.ndim != 2 or not len(self.subset):
            raise ValueError("a subset is one row of ids, indices are a matrix")
        if self.subset.max(initial=0) >= 1 << self.unit_weights:
            raise ValueError(f"a kernel id is not below {1 << self.unit_weights}")
        if self.indices.max(initial=0) >= len(self.subset):
            raise ValueError(f"an index is not below the subset's size, {len(self.subset)}")
        self.subset.flags.writeable = self.indices.flags.writeable = False

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the contents."""
        import hashlib

        digest = hashlib.sha256(f"{self.unit_weights} {self.indices.shape}".encode())
        for array in (self.subset, self.indices):
            digest.update(np.ascontiguousarray(array, dtype="<u2").tobytes())
        return digest.hexdigest()

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """[2^unit_weights] how often each kernel id occurs."""
        rows = np.bincount(self.indices.ravel(), minlength=len(self.subset))
        counts = np.zeros(1 << self.unit_weights, dtype=np.int64)
        np.add.at(counts, self.subset, rows)
        return counts

    def __eq__(self, other: object) -> bool:
        """Compare the contents."""
        return isinstance(other, KernelSet) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        """Hash the contents."""
        return hash(self.sha256)

    def signs(self) -> NDArray[np.int8]:
        """[out_channels, units per group, unit_weights] every weight as -1 or +1."""
        return signs_of(self.subset, self.unit_weights)[self.indices]


def signs_of(ids: NDArray[np.uint16], unit_weights: int) -> NDArray[np.int8]:
    """[..., unit_weights] the weights, -1 or +1, of the kernels with these ids [...]."""
    places = np.arange(unit_weights - 1, -1, -1)
    bits = (ids[..., None].astype(np.int64) >> places) & 1
    return (2 * bits - 1).astype(np.int8)


def ids_of(signs: NDArray[np.number]) -> NDArray[np.uint16]:
    """[...] the ids of kernels given as signs [..., unit_weights]; what is above 0 is +1."""
    weights = 1 << np.arange(signs.shape[-1] - 1, -1, -1)
    ids: NDArray[np.int64] = (signs > 0) @ weights
    return ids.astype(np.uint16)
