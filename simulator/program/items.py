"""Items of the writer's loops, as runs of equal items."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Generic, TypeVar

Item = TypeVar("Item")
Seen = TypeVar("Seen")


class Runs(tuple[tuple[int, Item], ...], Generic[Item]):
    """Items as runs of equal neighbors: (length of the run, item)."""

    __slots__ = ()

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Runs[Item]":
        """Find the runs of equal items."""
        return cls([(len([*run]), item) for item, run in groupby(items)])

    @property
    def written_out(self) -> list[Item]:
        """Every item of every run."""
        return [item for times, item in self for _ in range(times)]

    def seen(self, sees: Callable[[Item], Seen]) -> "Runs[Seen]":
        """Return the runs of `sees(item)` instead of the items."""
        return Runs([(times, sees(item)) for times, item in self])
