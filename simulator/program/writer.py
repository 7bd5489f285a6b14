"""The writer of a unit's program, which records plain nested loops.

    def dot_fills(layer, do):
        for row in do.each(layer.rows):
            for tile in do.each(row.tiles):
                do(FILL(cycles=tile.fill_cycles, takes=[BANK], gives=[FILLED_BANK]))

`each` takes runs of equal items, runs the loop's body once for every item and writes a `Loop`.
Among all that changes, the body may depend only on the items of the loops around it. Items are
frozen records: equal records write equal commands.
"""

from collections.abc import Callable, Iterator

from simulator.program.contract import Body, Command, Loop, Skip
from simulator.program.items import Item, Runs


class Writer:
    """A writer, to which a unit's function writes."""

    def __init__(self, *, plain: bool = False) -> None:
        """Start an empty program.

        Args:
            plain: run the body of `each` for every item. The program, with loops unrolled, is the
                same (a test).

        """
        self._parts: list[Command | Skip | Loop] = []
        self._plain = plain
        self._open = 0

    def __call__(self, command: Command) -> None:
        """Write a command."""
        self._parts.append(command)

    def skip(self, steps: int) -> None:
        """Skip steps."""
        if steps:
            _skip(self._parts, steps)

    def each(self, runs: Runs[Item], kept: dict[Item, Body] | None = None) -> Iterator[Item]:
        """Yield the items of a loop; its body runs once for every distinct item.

        Args:
            runs: the items.
            kept: bodies of this loop from other positions; they do not run again. Among all that
                differs between these positions, the body may depend only on the item.

        """
        if kept is None:
            if len(runs) == 1 and runs[0][0] == 1:  # no loop
                yield runs[0][1]
                return
            kept = {}
        outer, often = self._parts, 0
        last: Body = ()
        self._open += 1
        for times, item in ((1, x) for x in runs.written_out) if self._plain else runs:
            body = kept.get(item)
            if body is None:
                self._parts = []
                yield item
                body = tuple(self._parts)
                if not self._plain:
                    kept[item] = body
            if body == last:
                often += times
            else:
                _close(outer, often, last)
                last, often = body, times
        self._open -= 1
        self._parts = outer
        _close(outer, often, last)

    @property
    def body(self) -> Body:
        """The program written so far.

        Raises:
            RuntimeError: a loop over `each` ended early, which loses its commands.

        """
        if self._open:
            raise RuntimeError("a loop over `each` was left before its end")
        return tuple(self._parts)


def write(unit: Callable[..., None], *records: object, plain: bool = False) -> Body:
    """Return the program that a unit's function writes.

    Args:
        unit: the function; its last argument is the writer.
        records: the function's other arguments.
        plain: see `Writer`.

    """
    do = Writer(plain=plain)
    unit(*records, do)
    return do.body


def _close(outer: list[Command | Skip | Loop], times: int, body: Body) -> None:
    """Write a body `times` times: as a loop, or a single skip as a longer skip."""
    if not body:
        return
    first = body[0]
    if isinstance(first, Skip) and (times == 1 or len(body) == 1):
        _skip(outer, times * first.steps)
        outer += body[1:]
    elif times == 1:
        outer += body
    else:
        outer.append(Loop(times, body))


def _skip(parts: list[Command | Skip | Loop], steps: int) -> None:
    """Write a skip; neighboring skips become one."""
    if parts and isinstance(last := parts[-1], Skip):
        parts[-1] = Skip(last.steps + steps)
    else:
        parts.append(Skip(steps))
