"""`kernel.run_layer` for several machines at once: same layer, other rates. To be compiled.

Machines that differ only in rates and latencies run the same instructions, so a *lane* each is all
that sets them apart: every time in the state becomes a row of lanes. What the kernel decides once
per turn, this decides once for all lanes: a loop jumps when every lane is steady, and a jump holds
when it holds in every lane. docs/decisions/0009-lanes.md
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simulator.columns import Ints
from simulator.engine.instructions import Places
from simulator.engine.kernel import NEVER
from simulator.loops import END, LOOP

Tables = tuple[Ints, ...]


def run_lanes(
    codes: Sequence[Places],
    memory: Ints,
    order: Ints,
    ops_from: Ints,
    cycles: Ints,
    latency: Ints,
    ages_from: Ints,
    ages: Ints,
    lasting: Ints,
    rings: tuple[Ints, Ints, Ints],
    stack: Ints,
    kept: tuple[Ints, Ints, Ints],
    state: Ints,
    ends: Ints,
    busy: Ints,
) -> None:
    """Run all layers in every lane.

    Args:
        codes: [layers that differ] where in `memory` the fields of `kernel.Code` lie.
        memory: see `codes`.
        order: [layers] which of `codes` each is.
        ops_from: [layers that differ + 1] where in `cycles` and `latency` each begins.
        cycles: [ops of all layers that differ, lanes]
        latency: see `cycles`.
        ages_from: [layers + 1] where in `ages` each begins.
        ages: `LoopBody.room_ages`.
        lasting: [signals] 1: its ring lasts between layers.
        rings: base, size and head, as in `kernel.Rings`.
        stack: [5, depth] begin, turn, again, jumped and limit of `kernel.Frames`.
        kept: [depth, width, lanes] before, shift and posted of `kernel.Frames`.
        state: [width, lanes] as in `kernel.run_layer`.
        ends: [layers, lanes] gets when each layer ends.
        busy: [layers, units, lanes] gets for how long it keeps each unit busy.

    """
    lanes = state.shape[1]
    start_cycle = np.zeros(lanes, dtype=np.int64)
    for layer in range(len(order)):
        which = order[layer]
        code, first, behind = codes[which], ops_from[which], ops_from[which + 1]
        begin_layer(code, lasting, rings, state)
        run_layer(
            code, memory, cycles[first:behind], latency[first:behind],
            ages[ages_from[layer] : ages_from[layer + 1]], rings, stack, kept, state, start_cycle,
        )  # fmt: skip
        for lane in range(lanes):
            start_cycle[lane] = ends[layer, lane] = state[0, lane]
            for unit in range(code.units):
                busy[layer, unit, lane] = state[1 + code.units + unit, lane]


def begin_layer(code: Places, lasting: Ints, rings: tuple[Ints, Ints, Ints], state: Ints) -> None:
    """Forget what lasts only for a layer: its end, busy cycles and most rings."""
    base, size, _ = rings
    for lane in range(state.shape[1]):
        state[0, lane] = 0
        for unit in range(code.units):
            state[1 + code.units + unit, lane] = 0
        for signal in range(code.signals):
            for place in range(0 if lasting[signal] else size[signal]):
                state[base[signal] + place, lane] = NEVER


def run_layer(
    code: Places,
    memory: Ints,
    cycles: Ints,
    latency: Ints,
    room_ages: Ints,
    rings: tuple[Ints, Ints, Ints],
    stack: Ints,
    kept: tuple[Ints, Ints, Ints],
    state: Ints,
    start_cycle: Ints,
) -> None:
    """Run a layer in every lane; see `run_lanes`.

    Args:
        code: where in `memory` the fields of `kernel.Code` lie.
        memory: see `code`.
        cycles: [ops, lanes]
        latency: [ops, lanes]
        room_ages: as in `kernel.Code`.
        rings: as in `run_lanes`; likewise `stack`, `kept` and `state`.
        stack: see `rings`.
        kept: see `rings`.
        state: see `rings`.
        start_cycle: [lanes] end of the layer before.

    """
    what, turns = memory[code.what : code.turns], memory[code.turns : code.watched]
    watched = memory[code.watched : code.scalars_from]
    scalars_from, scalars = (
        memory[code.scalars_from : code.scalars],
        memory[code.scalars : code.signals_from],
    )
    signals_from, signals = (
        memory[code.signals_from : code.signal],
        memory[code.signal : code.posts],
    )
    posts, needs = memory[code.posts : code.needs], memory[code.needs : code.unit]
    unit_of, room_of = memory[code.unit : code.room], memory[code.room : code.waits_from]
    waits_from, wait_signal = (
        memory[code.waits_from : code.wait_signal],
        memory[code.wait_signal : code.wait_age],
    )
    wait_age, posts_from = (
        memory[code.wait_age : code.posts_from],
        memory[code.posts_from : code.post_signal],
    )
    post_signal, units = memory[code.post_signal : code.table], code.units
    room = code.room_signal
    base, size, head = rings
    before, shift, posted = kept
    loops = (scalars_from, scalars, signals_from, signals, posts, needs)
    places = np.empty(len(state), dtype=np.int64)
    lanes = state.shape[1]
    start, ready = np.empty(lanes, dtype=np.int64), np.empty(lanes, dtype=np.int64)
    at, depth = 0, -1
    while at < len(what):
        op = what[at]
        if op >= 0:
            unit = 1 + unit_of[op]
            for lane in range(lanes):
                start[lane] = state[unit, lane]
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
                place = base[signal] + head[signal]
                newest = (place if head[signal] > 0 else base[signal] + size[signal]) - 1
                for lane in range(lanes):
                    # room is there when all older chunks have left, too
                    before_it = state[newest, lane] if signal == room else ready[lane]
                    state[place, lane] = max(ready[lane], before_it)
                head[signal] = head[signal] + 1 if head[signal] + 1 < size[signal] else 0
            at += 1
            continue
        if op != END:
            loop = LOOP - op
            depth += 1
            for row in range(5):
                stack[row, depth] = 0
            stack[0, depth], stack[2, depth] = at, 2
            if watched[loop]:
                count = decisive(loop, loops, rings, places)
                measure(places, count, depth, state, before, shift)
            at += 1
            continue
        loop = LOOP - what[stack[0, depth]]
        turn, jumped = stack[1, depth] + 1, stack[3, depth]
        over, steady = turn == turns[loop], False
        stack[1, depth], stack[3, depth] = turn, 0
        if watched[loop] and (jumped > 0 or not over):
            count = decisive(loop, loops, rings, places)
            if jumped > 0:
                steady = True
                if agrees(places, count, depth, state, before, shift, turn - jumped):
                    stack[2, depth] = turn
                    note(places, count, depth, state, before)
                else:
                    over = False
                    stack[1, depth], stack[4, depth] = jumped, turn
                    move(loop, loops, rings, depth, state, before, shift, posted, 0)
            else:
                steady = measure(places, count, depth, state, before, shift)
            skipped = jump(stack, depth, turns[loop]) if steady and not over else 0
            if skipped > 0:
                keep(loop, loops, rings, depth, state, posted)
                move(loop, loops, rings, depth, state, before, shift, posted, skipped)
        if over:
            depth -= 1
            at += 1
        else:
            at = stack[0, depth] + 1


def jump(stack: Ints, depth: int, turns: int) -> int:
    """Turns to leave out, as in `kernel.jump`; 0: none."""
    turn = stack[1, depth]
    if stack[4, depth] <= turn:
        stack[4, depth] = 0
    if stack[4, depth] > 0:
        distance = (stack[4, depth] - turn) // 2
    elif turn >= stack[2, depth]:
        distance = turns - turn
        stack[2, depth] = 2 * turn
    else:
        return 0
    if distance <= 1:
        return 0
    stack[3, depth] = turn
    stack[1, depth] = turn + distance - 1
    skipped: int = distance - 1
    return skipped


def decisive(loop: int, loops: Tables, rings: Tables, places: Ints) -> int:
    """Write down the rows of the state that decide, as `kernel.decisive`; return their number."""
    scalars_from, scalars, signals_from, signals, _, needs = loops
    base, size, head = rings
    count = 0
    for number in range(scalars_from[loop], scalars_from[loop + 1]):
        places[count] = scalars[number]
        count += 1
    for number in range(signals_from[loop], signals_from[loop + 1]):
        signal = signals[number]
        for age in range(min(size[signal], needs[number]), 0, -1):
            place = head[signal] - age
            places[count] = base[signal] + (place if place >= 0 else place + size[signal])
            count += 1
    return count


def measure(places: Ints, count: int, depth: int, state: Ints, before: Ints, shift: Ints) -> bool:
    """Note what decides, and its shift since the last note; return if that stayed the same."""
    same = True
    for number in range(count):
        for lane in range(state.shape[1]):
            value = state[places[number], lane]
            moved = value - before[depth, number, lane]
            same = same and moved == shift[depth, number, lane]
            before[depth, number, lane] = value
            shift[depth, number, lane] = moved
    return same


def note(places: Ints, count: int, depth: int, state: Ints, before: Ints) -> None:
    """Note what decides where its shift is known."""
    for number in range(count):
        for lane in range(state.shape[1]):
            before[depth, number, lane] = state[places[number], lane]


def keep(loop: int, loops: Tables, rings: Tables, depth: int, state: Ints, posted: Ints) -> None:
    """Keep all posts of the loop's signals, the newest first."""
    _, _, signals_from, signals, _, _ = loops
    base, size, head = rings
    kept = 0
    for number in range(signals_from[loop], signals_from[loop + 1]):
        signal = signals[number]
        for age in range(size[signal]):
            place = head[signal] - 1 - age
            row = base[signal] + (place if place >= 0 else place + size[signal])
            for lane in range(state.shape[1]):
                posted[depth, kept, lane] = state[row, lane]
            kept += 1


def move(
    loop: int,
    loops: Tables,
    rings: Tables,
    depth: int,
    state: Ints,
    before: Ints,
    shift: Ints,
    posted: Ints,
    turns: int,
) -> None:
    """Set the state to the noted one, shifted by `turns` turns; older posts move back."""
    scalars_from, scalars, signals_from, signals, posts, needs = loops
    base, size, head = rings
    lanes = state.shape[1]
    noted, kept = 0, 0
    for number in range(scalars_from[loop], scalars_from[loop + 1]):
        for lane in range(lanes):
            moved = before[depth, noted, lane] + turns * shift[depth, noted, lane]
            state[scalars[number], lane] = moved
        noted += 1
    for number in range(signals_from[loop], signals_from[loop + 1]):
        signal, each = signals[number], posts[number]
        noted += min(size[signal], needs[number])
        like, later = noted - 1, turns
        for age in range(size[signal]):  # from the newest post on
            place = head[signal] - 1 - age
            row = base[signal] + (place if place >= 0 else place + size[signal])
            if later > 0:
                for lane in range(lanes):
                    moved = before[depth, like, lane] + later * shift[depth, like, lane]
                    state[row, lane] = moved
                like -= 1
                if like < noted - each:  # the turn before
                    like, later = noted - 1, later - 1
            else:
                old = kept + age - turns * each
                for lane in range(lanes):
                    state[row, lane] = posted[depth, old, lane]
        kept += size[signal]


def agrees(
    places: Ints, count: int, depth: int, state: Ints, before: Ints, shift: Ints, turns: int
) -> bool:
    """Whether what decides is the noted state, shifted by `turns` turns."""
    for number in range(count):
        for lane in range(state.shape[1]):
            expected = before[depth, number, lane] + turns * shift[depth, number, lane]
            if state[places[number], lane] != expected:
                return False
    return True


PARTS: tuple[Any, ...] = (jump, decisive, measure, note, keep, move, agrees, begin_layer, run_layer)
"""What `run_lanes` calls."""
