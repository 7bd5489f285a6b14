"""`kernel.run_layer` for several machines at once: same layer, other rates. To be compiled.

Machines that differ only in rates and latencies run the same instructions, so a *lane* each is all
that sets them apart: every time in the state becomes a row of lanes. What the kernel decides once
per turn, this decides once for all lanes: a loop jumps when every lane is steady, and a jump holds
when it holds in every lane. docs/decisions/0009-lanes.md
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.engine.kernel import END, FEWEST, LOOP
from simulator.program import Ints

Flags = NDArray[np.bool_]


def run_lanes(
    tape: Ints,
    cuts: Ints,
    cycles: Ints,
    latency: Ints,
    room_ages: Ints,
    base: Ints,
    size: Ints,
    head: Ints,
    room: int,
    stack: Ints,
    before: Ints,
    shift: Ints,
    state: Ints,
    units: int,
    start_cycle: Ints,
) -> None:
    """Run a layer in every lane.

    Args:
        tape: the fields of `kernel.Code` but the last three, behind one another.
        cuts: where each field begins.
        cycles: [ops, lanes]
        latency: [ops, lanes]
        room_ages: as in `kernel.Code`.
        base: as in `kernel.Rings`; likewise `size`, `head` and `room`.
        size: see `base`.
        head: see `base`.
        room: see `base`.
        stack: [4, depth] begin, turn, again and jumped of `kernel.Frames`.
        before: [depth, width, lanes] as in `kernel.Frames`.
        shift: [depth, width, lanes] as in `kernel.Frames`.
        state: [width, lanes] as in `kernel.run_layer`.
        units: number of units.
        start_cycle: [lanes] end of the layer before.

    """
    what, turns = tape[: cuts[1]], tape[cuts[1] : cuts[2]]
    scalars_from, scalars = tape[cuts[2] : cuts[3]], tape[cuts[3] : cuts[4]]
    signals_from, signals = tape[cuts[4] : cuts[5]], tape[cuts[5] : cuts[6]]
    unit_of, room_of = tape[cuts[6] : cuts[7]], tape[cuts[7] : cuts[8]]
    waits_from, wait_signal = tape[cuts[8] : cuts[9]], tape[cuts[9] : cuts[10]]
    wait_age, posts_from = tape[cuts[10] : cuts[11]], tape[cuts[11] : cuts[12]]
    post_signal = tape[cuts[12] : cuts[13]]
    places = np.empty(len(state), dtype=np.int64)
    lanes = state.shape[1]
    start, ready = np.empty(lanes, dtype=np.int64), np.empty(lanes, dtype=np.int64)
    at, depth = 0, -1
    while at < len(what):
        op = what[at]
        if op >= 0:
            unit = 1 + unit_of[op]
            start[:] = state[unit]
            for wait in range(waits_from[op], waits_from[op + 1]):
                signal = wait_signal[wait]
                place = head[signal] - wait_age[wait]
                if place < 0:
                    place += size[signal]
                place += base[signal]
                for lane in range(lanes):
                    start[lane] = max(start[lane], state[place, lane])
            if room_of[op] >= 0 and room_ages[room_of[op]] > 0:
                place = head[room] - room_ages[room_of[op]]
                if place < 0:
                    place += size[room]
                place += base[room]
                for lane in range(lanes):
                    start[lane] = max(start[lane], state[place, lane])
            for lane in range(lanes):
                end = start[lane] + cycles[op, lane]
                ready[lane] = end + latency[op, lane]
                state[unit, lane] = end
                state[0, lane] = max(state[0, lane], ready[lane])
                inside = end - max(start[lane], start_cycle[lane])
                state[unit + units, lane] += max(inside, 0)
            for post in range(posts_from[op], posts_from[op + 1]):
                signal = post_signal[post]
                state[base[signal] + head[signal]] = ready
                head[signal] = head[signal] + 1 if head[signal] + 1 < size[signal] else 0
            at += 1
            continue
        if op != END:
            loop = LOOP - op
            depth += 1
            stack[0, depth], stack[1, depth], stack[2, depth], stack[3, depth] = at, 0, 2, 0
            if turns[loop] >= FEWEST:
                count = touched(
                    scalars[scalars_from[loop] : scalars_from[loop + 1]],
                    signals[signals_from[loop] : signals_from[loop + 1]],
                    base, size, head, places,
                )  # fmt: skip
                note(places[:count], state, before[depth], shift[depth])
            at += 1
            continue
        begin, turn = stack[0, depth], stack[1, depth] + 1
        loop = LOOP - what[begin]
        stack[1, depth] = turn
        over = turn == turns[loop]
        if turns[loop] >= FEWEST and (stack[3, depth] > 0 or not over):
            count = touched(
                scalars[scalars_from[loop] : scalars_from[loop + 1]],
                signals[signals_from[loop] : signals_from[loop + 1]],
                base, size, head, places,
            )  # fmt: skip
            mine, jumped = places[:count], stack[3, depth]
            if jumped > 0:
                left = turns[loop] - jumped
                over = agrees(mine, state, before[depth], shift[depth], left)
                if not over:
                    move(mine, state, before[depth], shift[depth], 0)
                    stack[1, depth], stack[2, depth], stack[3, depth] = jumped, 2 * jumped, 0
            else:
                steady = note(mine, state, before[depth], shift[depth])
                if steady and stack[2, depth] <= turn < turns[loop] - 1:
                    stack[3, depth], stack[1, depth] = turn, turns[loop] - 1
                    move(mine, state, before[depth], shift[depth], turns[loop] - 1 - turn)
        if over:
            depth -= 1
            at += 1
        else:
            at = begin + 1


def touched(scalars: Ints, signals: Ints, base: Ints, size: Ints, head: Ints, into: Ints) -> int:
    """Write down the rows of the state that a loop may change, rings from the oldest post on."""
    count = 0
    for row in scalars:
        into[count] = row
        count += 1
    for signal in signals:
        for age in range(size[signal]):
            behind = head[signal] + age
            into[count] = base[signal] + (
                behind - size[signal] if behind >= size[signal] else behind
            )
            count += 1
    return count


def note(places: Ints, state: Ints, before: Ints, shift: Ints) -> bool:
    """Note the state, and its shift since the last note; return if that stayed the same."""
    same = True
    for number in range(len(places)):
        for lane in range(state.shape[1]):
            value = state[places[number], lane]
            moved = value - before[number, lane]
            same = same and moved == shift[number, lane]
            before[number, lane] = value
            shift[number, lane] = moved
    return same


def move(places: Ints, state: Ints, before: Ints, shift: Ints, turns: int) -> None:
    """Set the state to the noted one, shifted by `turns` turns."""
    for number in range(len(places)):
        for lane in range(state.shape[1]):
            state[places[number], lane] = before[number, lane] + turns * shift[number, lane]


def agrees(places: Ints, state: Ints, before: Ints, shift: Ints, turns: int) -> bool:
    """Whether the state is the noted one, shifted by `turns` turns."""
    for number in range(len(places)):
        for lane in range(state.shape[1]):
            expected = before[number, lane] + turns * shift[number, lane]
            if state[places[number], lane] != expected:
                return False
    return True


PARTS: tuple[Any, ...] = (touched, note, move, agrees)
"""What `run_lanes` calls."""
