"""The kernels of a layer: its subset, and the index of every kernel into the subset.

A kernel's *id* is a binary number with a digit per weight, the first weight first: 1 for +1, 0 for
-1. The ids of the 512 3x3 kernels run from 0 (all -1) to 511 (all +1); the paper counts from 1. A
vector of 8 weights has an id from 0 to 255.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KernelSet:
    """The kernels of one layer; two sets are equal if their contents are equal.

    Raises:
        ValueError: an id or an index is out of range.

    """

    unit_weights: int
    """Weights per kernel: 9 (3x3) or 8 (a vector of a 1x1 layer)."""
    subset: NDArray[np.uint16]
    """[n] kernel ids, n >= 1, possibly with duplicates."""
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

    @property
    def ids(self) -> NDArray[np.uint16]:
        """[out_channels, units per group] the id of every kernel."""
        return self.subset[self.indices]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """[2^unit_weights] number of occurrences of each kernel id."""
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
        """[out_channels, units per group, unit_weights] the weights, -1 or +1."""
        return signs_of(self.subset, self.unit_weights)[self.indices]


def signs_of(ids: NDArray[np.uint16], unit_weights: int) -> NDArray[np.int8]:
    """[..., unit_weights] the weights, -1 or +1, of the kernels with ids [...]."""
    places = np.arange(unit_weights - 1, -1, -1)
    bits = (ids[..., None].astype(np.int64) >> places) & 1
    return (2 * bits - 1).astype(np.int8)


def ids_of(signs: NDArray[np.number]) -> NDArray[np.uint16]:
    """[...] the ids of the kernels with signs [..., unit_weights]; values above 0 count as +1."""
    weights = 1 << np.arange(signs.shape[-1] - 1, -1, -1)
    ids: NDArray[np.int64] = (signs > 0) @ weights
    return ids.astype(np.uint16)
