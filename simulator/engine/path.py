"""The critical path of a trace, and the cycles along it by category.

The walk follows causes backwards from the result that ends a section to the section's start. Every
cycle of the section therefore belongs to exactly one command, and to exactly one category. If
several results end a section in the same cycle, the walk chooses the first kind in the vocabulary's
order, then the unit's later command. The same rule decides among several causes. A section is a
layer, and its cycles are the layer's; if all layers run at once, the cycles of a command are those
of its unit's layer. docs/why.md has the rules in words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.base.columns import Ints
from simulator.engine.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CriticalPath:
    """The critical path: K commands by layer, in order of time; their slots tile the run."""

    command: Ints
    """[K] rows of the trace."""
    layer: Ints
    """[K] the layer whose time the slot is. The command may have begun before this layer; if all
    layers run at once, it is the command's layer."""
    since: Ints
    """[K] first cycle of the slot."""
    busy_until: Ints
    """[K] the cycle from which, up to `until`, the command's result is on its way (latency)."""
    until: Ints
    """[K] end of the slot."""


def critical_path(trace: Trace) -> CriticalPath:
    """Walk back from the result that ends each section to the section's start.

    A section that takes 0 cycles, because an earlier section ends as late, has no slot.
    """
    starts, ends = trace.section_starts, trace.section_ends
    command, section = _walk(trace, starts.tolist(), ends.tolist())
    begun = trace.start[command]
    last = np.diff(section, append=len(ends)) > 0
    until = np.where(last, ends[section], np.append(begun[1:], 0))
    since = np.maximum(begun, starts[section])
    return CriticalPath(
        command=command,
        layer=trace.layer[command] if trace.at_once else section,
        since=since,
        busy_until=np.clip(trace.end[command], since, until),
        until=until,
    )


def _walk(trace: Trace, starts: list[int], ends: list[int]) -> tuple[Ints, Ints]:
    """Return the command and section of every slot, in order of time."""
    start, cause = trace.start.tolist(), trace.cause.tolist()
    commands: list[int] = []
    counts = np.zeros(len(ends), dtype=np.int64)
    lasts = _last_commands(trace)
    for section in reversed(range(len(ends))):
        command, until, before = lasts[section], ends[section], len(commands)
        while until > starts[section]:
            if command < 0:  # engines keep the interface: a bug of the simulator
                raise AssertionError(f"no cause for a command that starts in cycle {until}")
            commands.append(command)
            until = start[command]
            command = cause[command]
        counts[section] = len(commands) - before
    sections = np.repeat(np.arange(len(ends)), counts)
    return np.array(commands[::-1], dtype=np.int64), sections


def _last_commands(trace: Trace) -> list[int]:
    """Return, for each section, the command whose result ends it, by the rule for causes."""
    section, ends = trace.section, trace.section_ends
    ending = np.flatnonzero(trace.ready == ends[section])
    # the first kind, then the later row: rows of a unit are in the order of time
    order = ending[np.lexsort((ending, -trace.kind[ending]))]
    last = np.full(len(ends), -1)
    last[section[order]] = order
    found: list[int] = last.tolist()
    return found


def spent(trace: Trace) -> Ints:
    """[layers, categories] cycles of a whole run along its critical path.

    The sums of a layer's row are its cycles.
    """
    path = critical_path(trace)
    busy, latent = path.busy_until - path.since, path.until - path.busy_until
    sums = np.zeros((len(trace.layers), len(trace.categories)), dtype=np.int64)
    for category, cycles in _splits(trace, path.command):
        moved = np.minimum(cycles, busy + latent)
        np.add.at(sums, (path.layer, category), moved)
        from_busy = np.minimum(moved, busy)
        busy, latent = busy - from_busy, latent - (moved - from_busy)
    for category, cycles in zip(_own_categories(trace, path), (busy, latent), strict=True):
        np.add.at(sums, (path.layer, category), cycles)
    return sums


def stretches(trace: Trace, path: CriticalPath) -> tuple[Ints, Ints]:
    """The limiting category of each cycle: [S] categories and [S] ends of its stretches.

    The stretches tile the run from cycle 0. A command counts whole, without its penalties.
    """
    category = np.stack(_own_categories(trace, path), axis=1).ravel()
    until = np.stack((path.busy_until, path.until), axis=1).ravel()
    some = np.diff(until, prepend=0) > 0
    category, until = category[some], until[some]
    last = np.flatnonzero(np.diff(category, append=-1))
    return category[last], until[last]


# --- categories -----------------------------------------------------------------------------------


def _splits(trace: Trace, command: Ints) -> Iterator[tuple[Ints, Ints]]:
    """[K] categories other than the commands' own, and [K] their cycles."""

    def all_of(category: str) -> Ints:
        return np.full(len(command), trace.categories.index(category))

    words = trace.vocabulary
    if trace.dram is not None:
        yield all_of(words.row_miss), trace.dram.row_miss[command]
        yield all_of(words.refresh), trace.dram.refresh[command]
    penalty = _numbers(trace, [kind.penalty_category for kind in words.kinds])
    yield penalty[trace.kind[command]], trace.penalty[command]
    if words.conflict:
        yield all_of(words.conflict), trace.lost[command]


def _own_categories(trace: Trace, path: CriticalPath) -> tuple[Ints, Ints]:
    """[K] category of each slot's busy cycles, and of its latent cycles."""
    kinds, kind = trace.vocabulary.kinds, trace.kind[path.command]
    entry = _numbers(trace, [kind.entry_category for kind in kinds])[kind]
    held = (entry >= 0) & _held_by_previous_sections(trace, path)
    busy = _numbers(trace, [kind.category for kind in kinds])[kind]
    latent = _numbers(trace, [kind.latency_category for kind in kinds])[kind]
    return np.where(held, entry, busy), np.where(held, entry, latent)


def _held_by_previous_sections(trace: Trace, path: CriticalPath) -> NDArray[np.bool_]:
    """[K] True for slots that begin with their command at their section's start, after cycle 0."""
    start = trace.start[path.command]
    begins = 0 if trace.at_once else trace.section_starts[path.layer]
    held: NDArray[np.bool_] = (start == begins) & (start > 0)
    return held


def _numbers(trace: Trace, categories: list[str]) -> Ints:
    """[kinds] number of each category; -1 for none."""
    known = trace.categories
    return np.array([known.index(name) if name else -1 for name in categories], dtype=np.int64)
