"""Equal parts of a layer, and the first and last items of a sequence."""

from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints


class Ends(NamedTuple):
    """The position of an item in a sequence: first, last, both or neither."""

    first: bool
    last: bool


_ALONE, _FIRST = Ends(first=True, last=True), Ends(first=True, last=False)
_BETWEEN, _LAST = Ends(first=False, last=False), Ends(first=False, last=True)


def ends(count: int) -> list[Ends]:
    """Return the `Ends` of every item in a sequence of `count` items, at least 1."""
    return [_FIRST, *[_BETWEEN] * (count - 2), _LAST] if count > 1 else [_ALONE]


def first_alike(*tables: Ints) -> list[int]:
    """[rows] the first row that equals each row in all tables [rows, ...]."""
    rows = np.concatenate([table.reshape(len(table), -1) for table in tables], axis=1)
    bytes_of_rows = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))
    first: dict[object, int] = {}
    return [
        first.setdefault(row, number) for number, row in enumerate(bytes_of_rows.ravel().tolist())
    ]
