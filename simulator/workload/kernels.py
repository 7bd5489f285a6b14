"""The kernels of a layer: its subset, and the index of every kernel into the subset.

A kernel's *id* is a binary number with a digit per weight, the first weight first: 1 for +1, 0 for
-1. The ids of the 512 3x3 kernels run from 0 (all -1) to 511 (all +1); the paper counts from 1. A
vector of 8 weights has an id from 0 to 255. A kernel of w weights has an id below 2^w; its weights
are in row order.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

Ids = NDArray[np.integer]
"""Kernel ids: uint16 for at most 16 weights, otherwise int64 (see `id_type`)."""
Indices = NDArray[np.unsignedinteger]
"""Rows of a subset: uint16, or uint32 in a 1-bit layer of more than 2^16 different kernels."""
LISTED_WEIGHTS = 9
"""Most weights of a kernel whose possible ids are listed: 2^9 kernels. Larger kernels, whose ids
are too many, are listed only if they occur."""


@dataclass(frozen=True, eq=False)
class KernelSet:
    """The kernels of one layer; two sets are equal if their contents are equal.

    Raises:
        ValueError: an id or an index is out of range.

    """

    unit_weights: int
    """Weights per kernel, such as 9 (3x3), or 8 (a vector of a 1x1 layer)."""
    subset: Ids
    """[n] kernel ids, n >= 1, possibly with duplicates."""
    indices: Indices
    """[out_channels, units per group] rows of `subset`."""

    def __post_init__(self) -> None:
        """Check and freeze the arrays."""
        if self.subset.ndim != 1 or self.indices.ndim != 2 or not len(self.subset):
            raise ValueError("a subset is one row of ids, indices are a matrix")
        least, most = int(self.subset.min(initial=0)), int(self.subset.max(initial=0))
        if not 0 <= least <= most < 1 << self.unit_weights:
            raise ValueError(f"a kernel id is not below {1 << self.unit_weights}")
        if self.indices.max(initial=0) >= len(self.subset):
            raise ValueError(f"an index is not below the subset's size, {len(self.subset)}")
        self.subset.flags.writeable = self.indices.flags.writeable = False

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the contents."""
        import hashlib

        digest = hashlib.sha256(f"{self.unit_weights} {self.indices.shape}".encode())
        for array, kind in (
            (self.subset, "<u2" if self.unit_weights <= 16 else "<i8"),
            (self.indices, "<u2" if len(self.subset) <= 1 << 16 else "<u4"),
        ):
            digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return digest.hexdigest()

    @property
    def ids(self) -> Ids:
        """[out_channels, units per group] the id of every kernel."""
        return self.subset[self.indices]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """[2^unit_weights] number of occurrences of each kernel id.

        Raises:
            ValueError: kernels have more than `LISTED_WEIGHTS` weights.

        """
        if self.unit_weights > LISTED_WEIGHTS:
            raise ValueError(f"2^{self.unit_weights} kernels are too many to list")
        counts = np.zeros(1 << self.unit_weights, dtype=np.int64)
        ids, found = self.uses
        counts[ids] = found
        return counts

    @cached_property
    def uses(self) -> tuple[Ids, NDArray[np.int64]]:
        """The ids of the kernels that occur, in order, and the number of each: both [n]."""
        rows = np.bincount(self.indices.ravel(), minlength=len(self.subset))
        used = rows > 0
        ids, places = np.unique(self.subset[used], return_inverse=True)
        return ids, np.bincount(places, weights=rows[used]).astype(np.int64)

    def __eq__(self, other: object) -> bool:
        """Compare the contents."""
        return isinstance(other, KernelSet) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        """Hash the contents."""
        return hash(self.sha256)

    def signs(self) -> NDArray[np.int8]:
        """[out_channels, units per group, unit_weights] the weights, -1 or +1."""
        return signs_of(self.subset, self.unit_weights)[self.indices]


def id_type(unit_weights: int) -> DTypeLike:
    """Return the type of the ids of kernels with this number of weights."""
    return np.uint16 if unit_weights <= 16 else np.int64


def index_type(subset_size: int) -> DTypeLike:
    """Return the type of indices into a subset."""
    return np.uint16 if subset_size <= 1 << 16 else np.uint32


def signs_of(ids: Ids, unit_weights: int) -> NDArray[np.int8]:
    """[..., unit_weights] the weights, -1 or +1, of the kernels with ids [...]."""
    places = np.arange(unit_weights - 1, -1, -1)
    bits = (ids[..., None].astype(np.int64) >> places) & 1
    return (2 * bits - 1).astype(np.int8)


def ids_of(signs: NDArray[np.number]) -> Ids:
    """[...] the ids of the kernels with signs [..., unit_weights]; values above 0 count as +1."""
    weights = 1 << np.arange(signs.shape[-1] - 1, -1, -1)
    ids: NDArray[np.int64] = (signs > 0) @ weights
    return ids.astype(id_type(signs.shape[-1]))
