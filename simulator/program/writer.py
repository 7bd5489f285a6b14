"""The writer: plain nested loops write a unit's program.

    def dot_fills(layer, do):
        for row in do.each(layer.rows):
            for tile in do.each(row.tiles):
                do(FILL(cycles=tile.fill_cycles, takes=[BANK], gives=[FILLED_BANK]))

`each` runs the loop's body once per run of equal items and writes a `Loop`. The body may depend on
the items of the loops around it, and on nothing else that changes. Items are frozen records: equal
records write equal commands.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from simulator.program.contract import Body, Command, Loop, Skip

Item = TypeVar("Item")


class Writer:
    """What a unit's function writes to."""

    def __init__(self, *, plain: bool = False) -> None:
        """Begin an empty program.

        Args:
            plain: run the body of `each` for every item. The program, written out, is the same
                (a test).

        """
        self._parts: list[Command | Skip | Loop] = []
        self._plain = plain
        self._open = 0

    def __call__(self, command: Command) -> None:
        """Write a command."""
        self._parts.append(command)

    def skip(self, steps: int) -> None:
        """Pass over steps."""
        if steps:
            _append(self._parts, Skip(steps))

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items of a loop; its body runs once for every run of equal items."""
        outer, times = self._parts, 0
        last: Body = ()
        previous: Any = _NOTHING
        self._open += 1
        for item in items:
            if self._plain or item != previous:
                self._parts = []
                yield item
                made, previous = tuple(self._parts), item
                if made != last:
                    _close(outer, times, last)
                    last, times = made, 0
            times += 1
        self._open -= 1
        self._parts = outer
        _close(outer, times, last)

    @property
    def body(self) -> Body:
        """What was written.

        Raises:
            RuntimeError: a loop over `each` was left before its end, so its commands are lost.

        """
        if self._open:
            raise RuntimeError("a loop over `each` was left before its end")
        return tuple(self._parts)


_NOTHING = object()


def write(unit: Callable[..., None], *records: object, plain: bool = False) -> Body:
    """Return the program that a unit's function writes.

    Args:
        unit: the function; its last argument is the writer.
        records: its other arguments.
        plain: see `Writer`.

    """
    do = Writer(plain=plain)
    unit(*records, do)
    return do.body


def _close(outer: list[Command | Skip | Loop], times: int, body: Body) -> None:
    """Write a body so many times: as a loop, but a single skip as a longer skip."""
    if not times or not body:
        return
    if len(body) == 1 and isinstance(body[0], Skip):
        _append(outer, Skip(times * body[0].steps))
    elif times == 1:
        for part in body:
            _append(outer, part)
    else:
        outer.append(Loop(times, body))


def _append(parts: list[Command | Skip | Loop], part: Command | Skip | Loop) -> None:
    """Append; neighboring skips become one."""
    if isinstance(part, Skip) and parts and isinstance(last := parts[-1], Skip):
        parts[-1] = Skip(last.steps + part.steps)
    else:
        parts.append(part)
