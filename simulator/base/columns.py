"""Columns of tables in memory: integers, and names that repeat."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A column of a table that repeats a small number of names."""

    index: Ints
    """[rows] index into `names`; -1 is an empty cell."""
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.index)

    def __getitem__(self, part: slice) -> "Names":
        """Return a slice of the rows."""
        return Names(self.index[part], self.names)
