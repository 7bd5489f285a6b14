"""What sets the parts of a layer apart: their numbers, and whether they are first or last."""

from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints


class Ends(NamedTuple):
    """Whether an item is the first, or the last, of a sequence."""

    first: bool
    last: bool


_ALONE, _FIRST = Ends(first=True, last=True), Ends(first=True, last=False)
_BETWEEN, _LAST = Ends(first=False, last=False), Ends(first=False, last=True)


def ends(count: int) -> list[Ends]:
    """The ends of a sequence of so many items, 1 or more."""
    return [_FIRST, *[_BETWEEN] * (count - 2), _LAST] if count > 1 else [_ALONE]


def first_alike(*tables: Ints) -> list[int]:
    """[rows] of each row the first row that equals it in all tables [rows, ...]."""
    rows = np.concatenate([table.reshape(len(table), -1) for table in tables], axis=1)
    bytes_of_rows = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    first: dict[object, int] = {}
    return [
        first.setdefault(row, number) for number, row in enumerate(bytes_of_rows.ravel().tolist())
    ]
