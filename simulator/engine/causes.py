"""The cause of every command's start: the last of its tokens, or its unit's previous command.

If a giver gave the token when it started, the giver's own cause replaces the token. Among several
causes in the same cycle, the first kind in the vocabulary's order counts, then the unit's later
command.
"""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.program import Channel
from simulator.program.written import WrittenProgram


@dataclass(frozen=True, slots=True, eq=False)
class Causes:
    """The cause of the start of each of N rows."""

    row: Ints
    """[N] row that decided the start; -1: no row, because the command starts in cycle 0."""
    channel: Ints
    """[N] index of the channel that the command waited for; -1: it started when its unit was
    free."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidates:
    """Pairs of a row and another row that was over, or started, in the cycle of its start."""

    effect: Ints
    giver: Ints
    channel: Ints
    """The index of the channel; -1: the cause is the unit's previous command."""
    at_start: Ints
    """1: the giver's start; the giver's own cause counts instead."""


def causes(rows: WrittenProgram, start: Ints, end: Ints, ready: Ints) -> Causes:
    """Find the cause of every row.

    Args:
        rows: N rows of a program.
        start: [N] cycle in which each row started.
        end: [N] cycle in which each row left its unit.
        ready: [N] cycle in which each row had its result ready.

    """
    found = [_previous(rows, start, end)]
    for number, channel in enumerate(rows.program.channels):
        found.append(_given(rows, channel, number, start, ready))
    columns = (np.concatenate([getattr(each, name) for each in found]) for name in _COLUMNS)
    return _best(rows, _Candidates(*columns), _waited(rows, start, end))


_COLUMNS = ("effect", "giver", "channel", "at_start")


def _waited(rows: WrittenProgram, start: Ints, end: Ints) -> Ints:
    """[N] cycles between the end of a unit's previous command and a row's start."""
    free = np.concatenate(([0], end[:-1]))
    free[rows.first[:-1][np.diff(rows.first) > 0]] = 0
    waited: Ints = start - free
    return waited


def _previous(rows: WrittenProgram, start: Ints, end: Ints) -> _Candidates:
    """Rows that start when their unit's previous command ends."""
    effect = 1 + np.flatnonzero((rows.unit[1:] == rows.unit[:-1]) & (start[1:] == end[:-1]))
    none = np.zeros_like(effect)
    return _Candidates(effect, effect - 1, none - 1, none)


def _given(
    rows: WrittenProgram, channel: Channel, number: int, start: Ints, ready: Ints
) -> _Candidates:
    """Rows that start when a giver gives a token of a channel."""
    givers, lots, at_start = _lots(rows, channel)
    takers, wanted = _wanted(rows, channel)
    behind = np.cumsum(lots) + rows.program.channels[channel]
    last = np.cumsum(wanted)
    first_lot = np.searchsorted(behind, last - wanted, side="right")
    end_lot = np.searchsorted(behind - lots, last, side="left")
    pairs = np.maximum(end_lot - first_lot, 0)
    effect = np.repeat(takers, pairs)
    inside = np.arange(len(effect)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    lot = np.repeat(first_lot, pairs) + inside
    giver, begun = givers[lot], at_start[lot]
    held = np.where(begun, start[giver], ready[giver]) == start[effect]
    effect, giver, begun = effect[held], giver[held], begun[held]
    return _Candidates(effect, giver, np.full(len(effect), number), begun)


def _lots(rows: WrittenProgram, channel: Channel) -> tuple[Ints, Ints, Ints]:
    """Givers by the numbers of their tokens, their token counts, and 1 if given at the start."""
    begun, given = rows.begun(channel), rows.given(channel)
    row = np.concatenate((np.flatnonzero(begun), np.flatnonzero(given)))
    at_start = np.repeat((1, 0), (np.count_nonzero(begun), np.count_nonzero(given)))
    order = np.lexsort((1 - at_start, row, rows.section[row]))
    row, at_start = row[order], at_start[order]
    return row, np.where(at_start, begun[row], given[row]), at_start


def _wanted(rows: WrittenProgram, channel: Channel) -> tuple[Ints, Ints]:
    """Takers in the order of their tokens' numbers, and their tokens."""
    taken = rows.taken(channel)
    row = np.flatnonzero(taken)
    row = row[np.argsort(rows.section[row], kind="stable")]
    return row, taken[row]


def _best(rows: WrittenProgram, found: _Candidates, waited: Ints) -> Causes:
    """Choose among the candidates of every row.

    A row that may take a giver's own cause waits until the giver's cause is chosen.
    """
    kinds = {kind: number for number, kind in enumerate(rows.program.kinds)}
    rank = len(kinds) - rows.column([kinds[command.kind] for command in rows.commands])
    size, last = len(rows), len(rows.program.channels) - 1
    row, channel = np.full(size, -1), np.full(size, -1)
    begun = found.at_start > 0
    left = np.ones(size, dtype=bool)
    while left.any():
        now = left.copy()
        now[found.effect[begun & left[found.giver]]] = False
        mine = now[found.effect]
        effect, giver = found.effect[mine], found.giver[mine]
        cause = np.where(begun[mine], row[giver], giver)
        # the kind, then the later command, then the first channel
        score = (rank[cause] * size + cause) * (last + 2) + last - found.channel[mine]
        best = np.full(size, -1)
        np.maximum.at(best, effect[cause >= 0], score[cause >= 0])
        some = now & (best >= 0)
        row[some] = best[some] // (last + 2) % size
        channel[some] = last - best[some] % (last + 2)
        left &= ~now
    return Causes(row, np.where(waited > 0, channel, -1))
