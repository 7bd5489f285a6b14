"""The inner loop of the fast engine: runs a layer's loops and jumps over turns that repeat.

Plain Python over lists of integers, for a single run: it needs no import. `lanes.py` does the same
compiled, for many machines at once.

Why a jump is exact. A turn of a loop maps the state s (when each unit is free, what each signal's
last posts were ready at) to f(s), and every component of f is a maximum of sums: f is convex along
every line. If two turns in a row shift the state by the same d, and a later turn, begun at
s + T d, shifts it by d again, then f is a line on three points, hence everywhere between: all T
turns shift by d. So that later turn is run for real, at the far end, and only if it agrees are the
turns between left out. Busy cycles within the layer only rise from turn to turn, so equal at both
ends means equal between.

The far end is the loop's last turn. If that does not agree, a wait begins to bind, or ceases to, on
the way, and halving the distance finds where.

Of a signal's posts only those belong to the state that the loop waits for, and those of one turn.
Older ones are history: a turn moves them back by its posts and does nothing else to them. So a loop
is steady however long ago its layer began.
"""

from typing import NamedTuple

from simulator.compiling import Memory
from simulator.loops import END, LOOP

NEVER = -(1 << 60)
"""Ready time of a post that never was: nobody waits for it."""


class Code(NamedTuple):
    """A layer's loops as I instructions, and tables by operation or by loop."""

    what: Memory
    """[I] as in `LayerLoops`."""
    turns: Memory
    """[loops]"""
    watched: Memory
    """[loops] 1 where jumping is worth the watching."""
    scalars_from: Memory
    """[loops + 1] state that is no ring and may change in the loop: slice of `scalars`."""
    scalars: Memory
    signals_from: Memory
    """[loops + 1] signals posted in the loop: slice of `signals`, `posts` and `needs`."""
    signals: Memory
    posts: Memory
    """How often a turn posts each of them."""
    needs: Memory
    """How many of its last posts decide what the loop does."""
    unit: Memory
    """[ops]"""
    room: Memory
    """[ops] place in `room_ages`, or -1."""
    waits_from: Memory
    """[ops + 1]"""
    wait_signal: Memory
    wait_age: Memory
    posts_from: Memory
    """[ops + 1]"""
    post_signal: Memory
    cycles: Memory
    """[ops]"""
    latency: Memory
    """[ops]"""
    room_ages: Memory


class Rings(NamedTuple):
    """Where the last posts of each signal lie in the state."""

    base: Memory
    size: Memory
    head: list[int]
    """Where the next post goes."""
    room: int
    """The signal that `room_ages` refer to."""


class Frames(NamedTuple):
    """A stack of loops: [depth] each, but for state kept by [depth * width]."""

    begin: list[int]
    turn: list[int]
    again: list[int]
    """Turn before which no search for the far end begins."""
    jumped: list[int]
    """Turn from which the loop has jumped; 0: it has not."""
    limit: list[int]
    """Turn to which a jump has failed, where a search goes on; 0: there is none."""
    before: list[int]
    """What decides, at the end of the turn before."""
    shift: list[int]
    """What the turn before added to it."""
    posted: list[int]
    """All posts that were there before a jump."""
    width: int


def run_layer(
    code: Code, rings: Rings, frames: Frames, state: list[int], units: int, start_cycle: int
) -> int:
    """Run a layer; its end, its units' times, busy cycles and rings are in `state`.

    Args:
        code: the layer.
        rings: of the whole run.
        frames: room for the deepest nest.
        state: [1 + 2 units + rings] the layer's end, when each unit is free, busy cycles of each,
            and the rings.
        units: number of units.
        start_cycle: end of the layer before.

    Returns the number of operations run.

    """
    what, unit_of, cycles_of, latency_of = code.what, code.unit, code.cycles, code.latency
    waits_from, wait_signal, wait_age = code.waits_from, code.wait_signal, code.wait_age
    posts_from, post_signal, room_of = code.posts_from, code.post_signal, code.room
    base, size, head, room_signal = rings.base, rings.size, rings.head, rings.room
    at, depth, done = 0, -1, 0
    while at < len(what):
        op = what[at]
        if op >= 0:
            unit = 1 + unit_of[op]
            start = state[unit]
            for wait in range(waits_from[op], waits_from[op + 1]):
                signal = wait_signal[wait]
                place = head[signal] - wait_age[wait]
                if place < 0:
                    place += size[signal]
                ready = state[base[signal] + place]
                if ready > start:
                    start = ready
            if room_of[op] >= 0:
                age = code.room_ages[room_of[op]]
                if age > 0:
                    place = head[room_signal] - age
                    if place < 0:
                        place += size[room_signal]
                    ready = state[base[room_signal] + place]
                    if ready > start:
                        start = ready
            end = start + cycles_of[op]
            ready = end + latency_of[op]
            state[unit] = end
            state[0] = max(state[0], ready)
            if end > start_cycle:
                state[unit + units] += end - max(start, start_cycle)
            for post in range(posts_from[op], posts_from[op + 1]):
                signal = post_signal[post]
                place = head[signal]
                if signal == room_signal:  # room is there when all older chunks have left, too
                    newest = state[base[signal] + (place if place > 0 else size[signal]) - 1]
                    state[base[signal] + place] = max(ready, newest)
                else:
                    state[base[signal] + place] = ready
                head[signal] = place + 1 if place + 1 < size[signal] else 0
            done += 1
            at += 1
        elif op == END:
            if end_turn(code, rings, frames, state, depth):
                depth -= 1
                at += 1
            else:
                at = frames.begin[depth] + 1
        else:
            depth += 1
            frames.begin[depth] = at
            frames.turn[depth] = 0
            frames.again[depth] = 2
            frames.jumped[depth] = 0
            frames.limit[depth] = 0
            if code.watched[LOOP - op]:
                measure(code, rings, frames, state, depth)
            at += 1
    return done


def end_turn(code: Code, rings: Rings, frames: Frames, state: list[int], depth: int) -> bool:
    """End a turn of the innermost loop; return whether the loop is over."""
    loop = LOOP - code.what[frames.begin[depth]]
    turns, turn = code.turns[loop], frames.turn[depth] + 1
    jumped = frames.jumped[depth]
    if jumped:
        frames.jumped[depth] = 0
        if agrees(code, rings, frames, state, depth, turn - jumped):
            if turn == turns:
                return True
            frames.again[depth] = turn
            note(code, rings, frames, state, depth)
        else:
            frames.limit[depth] = turn
            move(code, rings, frames, state, depth, 0)
            turn = jumped
        steady = True
    elif turn == turns:
        return True
    else:
        steady = code.watched[loop] > 0 and measure(code, rings, frames, state, depth)
    frames.turn[depth] = turn
    if steady:
        jump(code, rings, frames, state, depth, turns)
    return False


def jump(
    code: Code, rings: Rings, frames: Frames, state: list[int], depth: int, turns: int
) -> None:
    """Jump to before the last turn of the loop, or half the way to where a jump has failed."""
    turn = frames.turn[depth]
    if frames.limit[depth] <= turn:
        frames.limit[depth] = 0
    if frames.limit[depth]:
        distance = (frames.limit[depth] - turn) // 2
    elif turn >= frames.again[depth]:
        distance = turns - turn
        frames.again[depth] = 2 * turn  # unless the search comes further than this turn
    else:
        return
    if distance > 1:
        frames.jumped[depth] = turn
        frames.turn[depth] = turn + distance - 1
        keep(code, rings, frames, state, depth)
        move(code, rings, frames, state, depth, distance - 1)


def decisive(code: Code, rings: Rings, frames: Frames, depth: int) -> list[int]:
    """Places of the state that the loop may change and that decide what it does.

    Posts are in order of time.
    """
    loop = LOOP - code.what[frames.begin[depth]]
    places = list(code.scalars[code.scalars_from[loop] : code.scalars_from[loop + 1]])
    for number in range(code.signals_from[loop], code.signals_from[loop + 1]):
        signal = code.signals[number]
        base, size, head = rings.base[signal], rings.size[signal], rings.head[signal]
        oldest = head - min(size, code.needs[number])
        if oldest < 0:
            places += range(base + size + oldest, base + size)
        places += range(base + max(oldest, 0), base + head)
    return places


def measure(code: Code, rings: Rings, frames: Frames, state: list[int], depth: int) -> bool:
    """Note what decides, and its shift since the last note; return if that stayed the same."""
    before, shifts = frames.before, frames.shift
    same = True
    for kept, place in enumerate(decisive(code, rings, frames, depth), depth * frames.width):
        value = state[place]
        shift = value - before[kept]
        same = same and shift == shifts[kept]
        before[kept] = value
        shifts[kept] = shift
    return same


def note(code: Code, rings: Rings, frames: Frames, state: list[int], depth: int) -> None:
    """Note what decides where its shift is known."""
    for kept, place in enumerate(decisive(code, rings, frames, depth), depth * frames.width):
        frames.before[kept] = state[place]


def keep(code: Code, rings: Rings, frames: Frames, state: list[int], depth: int) -> None:
    """Keep all posts of the loop's signals, the newest first."""
    loop = LOOP - code.what[frames.begin[depth]]
    kept = depth * frames.width
    for signal in code.signals[code.signals_from[loop] : code.signals_from[loop + 1]]:
        base, size, head = rings.base[signal], rings.size[signal], rings.head[signal]
        ring = state[base + head : base + size] + state[base : base + head]
        frames.posted[kept : kept + size] = ring[::-1]
        kept += size


def move(
    code: Code, rings: Rings, frames: Frames, state: list[int], depth: int, turns: int
) -> None:
    """Set the loop's state to the noted one, shifted by `turns` turns; older posts move back."""
    before, shift = frames.before, frames.shift
    loop = LOOP - code.what[frames.begin[depth]]
    noted = kept = depth * frames.width
    for place in code.scalars[code.scalars_from[loop] : code.scalars_from[loop + 1]]:
        state[place] = before[noted] + turns * shift[noted]
        noted += 1
    for number in range(code.signals_from[loop], code.signals_from[loop + 1]):
        signal, posts = code.signals[number], code.posts[number]
        base, size, head = rings.base[signal], rings.size[signal], rings.head[signal]
        noted += min(size, code.needs[number])
        for age in range(size):  # from the newest post on
            place = base + (head - 1 - age) % size
            if age < turns * posts:
                like = noted - 1 - age % posts
                state[place] = before[like] + (turns - age // posts) * shift[like]
            else:
                state[place] = frames.posted[kept + age - turns * posts]
        kept += size


def agrees(
    code: Code, rings: Rings, frames: Frames, state: list[int], depth: int, turns: int
) -> bool:
    """Whether what decides is the noted state, shifted by `turns` turns."""
    before, shift = frames.before, frames.shift
    return all(
        state[place] == before[kept] + turns * shift[kept]
        for kept, place in enumerate(decisive(code, rings, frames, depth), depth * frames.width)
    )


def run_commands(
    unit: Memory,
    cycles: Memory,
    latency: Memory,
    wait_offsets: Memory,
    waits: Memory,
    free: list[int],
    start: list[int],
    ready: list[int],
) -> None:
    """Run a program that is written out: when each command starts and when it is ready."""
    for command in range(len(unit)):
        begin = free[unit[command]]
        for number in range(wait_offsets[command], wait_offsets[command + 1]):
            begin = max(begin, ready[waits[number]])
        end = begin + cycles[command]
        start[command] = begin
        ready[command] = end + latency[command]
        free[unit[command]] = end
