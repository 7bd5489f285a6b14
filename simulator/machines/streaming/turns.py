"""Iterations of a unit that moves words, with their reads and writes."""

from typing import NamedTuple

from simulator.program import Runs


class Turn(NamedTuple):
    """Equal iterations of a unit."""

    times: int
    reads: bool
    writes: bool


Turns = Runs[tuple[Turn, ...]]
"""The iterations of an image: repeated lists of turns, such as those of a row."""


def turns(*lists: tuple[int, tuple[Turn, ...]]) -> Turns:
    """Return a pattern without its empty parts."""
    kept = [(often, tuple(one for one in each if one.times > 0)) for often, each in lists]
    return Runs([(often, each) for often, each in kept if often > 0 and each])


def cycles_of(pattern: Turns) -> int:
    """Return the iterations of an image."""
    return sum(often * sum(turn.times for turn in each) for often, each in pattern)


def reads(count: int) -> Turn:
    """Return iterations that only read."""
    return Turn(count, reads=True, writes=False)


def writes(count: int) -> Turn:
    """Return iterations that only write."""
    return Turn(count, reads=False, writes=True)


def both(count: int) -> Turn:
    """Return iterations that read a word and write a word."""
    return Turn(count, reads=True, writes=True)


def writes_last(pattern: Turns) -> bool:
    """True if the last iteration of an image writes a word."""
    return pattern[-1][1][-1].writes


def held(pattern: Turns, *, result: bool) -> Turns:
    """Return a pattern in which each iteration writes the result of the iteration before it.

    The result of the last iteration is left.

    Args:
        pattern: the pattern.
        result: True if the iteration before the first has left a result.

    """
    found: list[tuple[int, tuple[Turn, ...]]] = []
    for often, each in pattern:
        last = each[-1].writes
        found.append((1, _held(each, result)))
        found.append((often - 1, _held(each, last)))
        result = last
    return turns(*found)


def _held(each: tuple[Turn, ...], result: bool) -> tuple[Turn, ...]:
    shifted: list[Turn] = []
    for turn in each:
        shifted += [Turn(1, turn.reads, result), Turn(turn.times - 1, turn.reads, turn.writes)]
        result = turn.writes
    return tuple(shifted)
