"""Leaves out iterations of a loop that repeat the previous iteration, some cycles later.

The loop belongs to the unit that runs by itself; docs/decisions/0060 has the proof. The *state* at
the end of an iteration has the position of every unit, the cycle in which it is free, and the
outstanding lots. If one iteration has moved the state by some shift, the engine follows the next
iteration: its times have slopes. Every comparison limits the number of iterations in which it has
the same outcome (`slopes.py`). If the slopes at the end of the iteration equal the slopes at its
beginning, the shift repeats for that many iterations. The engine then sets the state to its value
after these iterations (`fast_forward.py`).

Lots that come before their taker is free have no influence; `flows.py` has how takers take.
"""

from simulator.engine.compiling import Memory
from simulator.engine.fast_forward import anchor_paths, fast_forward
from simulator.engine.flows import bind_takers, limit_refills
from simulator.engine.layout import (
    AT,
    BEGIN,
    CAUSE,
    DEPTH,
    DONE,
    END,
    FLOOR,
    FLOW,
    FOLLOWED,
    FOLLOWED_NOTE,
    FRAME_SIZE,
    FRAMES,
    FREE,
    GIVEN,
    GIVEN_CHANNEL,
    GIVER_RECORDS,
    GIVER_SIZE,
    GIVES_PAIR,
    GROWTH,
    INSTRUCTION_SIZE,
    ITERATION,
    ITERATIONS,
    KEY_BITS,
    LANES,
    LIMIT,
    LOT,
    NEVER,
    NEXT_LOT,
    NONE,
    NOTE_SIZE,
    NOTED_ITERATION,
    NOTED_RAN,
    NOTES,
    POINTER,
    RAN,
    RANKS,
    SECTION,
    SECTION_SIZE,
    SETTLED,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER_RECORDS,
    TAKER_RECORDS_END,
    TAKER_SIZE,
    TIME,
    TRACKING,
    TRUST,
    UNIT_SIZE,
    UNITS,
    WASTED,
)
from simulator.engine.lots import fill, lot_of
from simulator.engine.notes import (
    measure,
    noted,
    noted_section,
    noted_twin,
    paired_giver,
    section_of_unit,
    write_note,
)

WORTH = 32
"""The minimum number of commands to leave out that pays for following an iteration."""
MOST_DOUBLINGS = 8
"""The number of failures that double the commands to leave out that pay for another attempt."""
FREE_FAILURES = 2
"""The number of failures of a loop after which the share of commands followed in vain counts."""
WASTE = 4
"""The number of commands to run, in the whole program, for each command followed in vain."""


def forget_iterations(m: Memory, depth: int) -> None:
    """Forget the notes of a loop at some depth, because another loop begins."""
    note = m[NOTES] + depth * m[NOTE_SIZE]
    m[note + NOTED_ITERATION], m[note + NOTED_RAN] = NEVER, m[RAN]


def end_of_iteration(m: Memory, root: int, at: int) -> bool:
    """Check at the end of an iteration if the loop repeats; if so, fast-forward.

    Args:
        m: the memory.
        root: the unit whose iteration it is.
        at: the address of the loop's end in the code.

    Returns False if a channel lacked space for its lots; see `STATUS`.

    """
    if m[root + AT] == at + INSTRUCTION_SIZE:  # the last iteration
        return True
    frame = m[root + FRAMES] + (m[root + DEPTH] - 1) * FRAME_SIZE
    note = m[NOTES] + m[root + DEPTH] * m[NOTE_SIZE]
    if m[FOLLOWED] == NONE:
        if m[note + NOTED_ITERATION] == m[frame + ITERATION] - 1 and begins(m, root, frame, note):
            m[m[FOLLOWED_NOTE] + NOTED_RAN] = m[note + NOTED_RAN]
            write_note(m, m[FOLLOWED_NOTE], root, m[frame + ITERATION], True)
            m[FOLLOWED], m[TRACKING] = frame, 1
            fill(m, m[GROWTH], 0, m[SECTION_SIZE])
            return anchor_paths(m, root)
        take_note(m, root, frame, note)
    elif m[FOLLOWED] == frame:
        return go_on(m, root, frame, note, at)
    return True


def take_note(m: Memory, root: int, frame: int, note: int) -> None:
    """Note the end of an iteration, if leaving out iterations like it is worthwhile."""
    iterations, ran = m[frame + ITERATIONS] - m[frame + ITERATION] - 2, m[RAN] - m[note + NOTED_RAN]
    if iterations > 0 and iterations * ran >= WORTH:
        write_note(m, note, root, m[frame + ITERATION], False)
    else:
        m[note + NOTED_RAN] = m[RAN]


def go_on(m: Memory, root: int, frame: int, note: int, at: int) -> bool:
    """Fast-forward at the end of the followed iteration, or give up; False: out of space."""
    linear = m[LIMIT] > 0 and is_linear(m, root, note)
    if linear:
        limit_refills(m)
        linear = m[LIMIT] > 0
    m[TRACKING], m[FOLLOWED] = 0, NONE
    if not linear:
        m[WASTED] += m[RAN] - m[m[FOLLOWED_NOTE] + NOTED_RAN]
        m[m[frame + BEGIN] + TRUST] += 1
        write_note(m, note, root, m[frame + ITERATION], False)
        return True
    m[m[frame + BEGIN] + TRUST] = 0
    m[note + NOTED_ITERATION] = NEVER
    if not fast_forward(m, root, m[LIMIT]):
        return False
    if m[frame + ITERATION] == m[frame + ITERATIONS]:
        m[root + AT] = at + INSTRUCTION_SIZE
        m[root + DEPTH] -= 1
    return True


# --- the end of an iteration that may repeat ------------------------------------------------------


def begins(m: Memory, root: int, frame: int, note: int) -> bool:
    """True if following the next iteration is worthwhile; then prepare for it."""
    m[LIMIT] = m[frame + ITERATIONS] - m[frame + ITERATION] - 1
    ran = m[RAN] - m[note + NOTED_RAN]
    if m[LIMIT] < 1 or m[LIMIT] * ran < WORTH:
        return False
    done = same_place(m, root, frame, note)
    if done < 0:
        return False
    cost = done - ran + WORTH
    failures = m[m[frame + BEGIN] + TRUST]
    if m[LIMIT] * ran < cost << min(failures, MOST_DOUBLINGS):
        return False
    if failures >= FREE_FAILURES and m[WASTED] * WASTE > m[RAN]:
        return False
    section, before = section_of_unit(m, root), noted_section(m, note)
    end = FLOOR + END * m[LANES]
    measure(m, section + end, before + end)
    return bind_takers(m, note) and m[LIMIT] > 0


def same_place(m: Memory, root: int, frame: int, note: int) -> int:
    """Return the number of commands run since a note; NEVER: a unit has another position now.

    A unit has the same position if only the iterations of one of its loops have advanced. These
    iterations limit `LIMIT`.
    """
    done = 0
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        before = noted(m, note, unit)
        mine = m[unit + DONE] - m[before + DONE]
        if mine == 0:
            fill(m, unit + FREE + m[LANES], 0, m[LANES])
            continue
        if m[unit + SECTION] != m[root + SECTION] or m[before + SECTION] != m[root + SECTION]:
            return NEVER
        if m[unit + AT] != m[before + AT] or m[unit + DEPTH] != m[before + DEPTH]:
            return NEVER
        done += mine
        measure(m, unit + FREE, before + FREE)
        moved = NONE
        for one in range(
            m[unit + FRAMES], m[unit + FRAMES] + m[unit + DEPTH] * FRAME_SIZE, FRAME_SIZE
        ):
            iterations = m[one + ITERATION] - m[noted(m, note, one) + ITERATION]
            if iterations != 0:
                if iterations < 0 or moved != NONE:
                    return NEVER
                moved = one
                if one != frame:
                    m[LIMIT] = min(
                        m[LIMIT], (m[one + ITERATIONS] - 1 - m[one + ITERATION]) // iterations - 1
                    )
        if moved == NONE:
            return NEVER
    return done


# --- the end of the followed iteration ------------------------------------------------------------


def is_linear(m: Memory, root: int, note: int) -> bool:
    """True if a followed iteration moved the state like the previous one, and kept its slopes."""
    first = m[FOLLOWED_NOTE]
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        if not goes_on(m, unit, noted(m, first, unit), noted(m, note, unit)):
            return False
    section, then = section_of_unit(m, root), noted_section(m, first)
    end = FLOOR + END * m[LANES]
    if not is_steady(m, section + end, then + end):
        return False
    return same_flow(m, note) and same_queues(m, first) and same_gifts(m, first)


def goes_on(m: Memory, unit: int, now: int, then: int) -> bool:
    """True if a unit has moved since a note as between two notes, and by its slopes."""
    done = m[unit + DONE] - m[now + DONE]
    if done != m[now + DONE] - m[then + DONE]:
        return False
    if done == 0:
        return True
    for field in (AT, DEPTH, SECTION):
        if m[unit + field] != m[now + field]:
            return False
    frames = m[unit + FRAMES] - unit
    for one in range(frames, frames + m[unit + DEPTH] * FRAME_SIZE, FRAME_SIZE):
        if (
            m[unit + one + ITERATION] - m[now + one + ITERATION]
            != m[now + one + ITERATION] - m[then + one + ITERATION]
        ):
            return False
    return is_steady(m, unit + FREE, now + FREE)


def is_steady(m: Memory, time: int, then: int) -> bool:
    """True if times have moved by their slopes since a note, and the slopes are the same."""
    lanes = m[LANES]
    for lane in range(lanes):
        slope = m[then + lanes + lane]
        if m[time + lanes + lane] != slope or m[time + lane] - m[then + lane] != slope:
            return False
    return True


def same_flow(m: Memory, note: int) -> bool:
    """True if givers and takers have moved by as much as in the previous iteration."""
    first = m[FOLLOWED_NOTE]
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        now, then = noted(m, first, giver), noted(m, note, giver)
        if m[giver + GIVEN] - m[now + GIVEN] != m[now + GIVEN] - m[then + GIVEN]:
            return False
        if m[giver + NEXT_LOT] - m[now + NEXT_LOT] != m[now + NEXT_LOT] - m[then + NEXT_LOT]:
            return False
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        now, then = noted(m, first, taker), noted(m, note, taker)
        if m[taker + TAKEN] - m[now + TAKEN] != m[now + TAKEN] - m[then + TAKEN]:
            return False
        lots = m[taker + POINTER] - m[now + POINTER]
        if m[taker + FLOW] != SETTLED and lots != m[now + POINTER] - m[then + POINTER]:
            return False
    return True


def same_queues(m: Memory, note: int) -> bool:
    """True if the queues of paired takers are those of a note, moved by their slopes."""
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        giver = paired_giver(m, taker)
        if giver == NONE:
            continue
        tokens = m[taker + TAKEN] - m[noted(m, note, taker) + TAKEN]
        for place in range(m[giver + NEXT_LOT] - m[taker + POINTER]):
            lot = lot_of(m, m[taker + TAKEN_CHANNEL], m[taker + POINTER] + place)
            then = noted_twin(m, note, taker, place, tokens)
            if then == NONE or not is_steady(m, lot + TIME, then + TIME):
                return False
            if not same_causes(m, note, lot, then):
                return False
    return True


def same_causes(m: Memory, note: int, lot: int, then: int) -> bool:
    """True if a lot's causes are those of a noted lot, later by the commands their units ran."""
    causes = TIME + CAUSE * m[LANES]
    for lane in range(causes, causes + m[LANES]):
        key, before = m[lot + lane], m[then + lane]
        if min(key, before) == NEVER:
            if key != before:
                return False
            continue
        if key >> KEY_BITS != before >> KEY_BITS:
            return False
        unit = m[m[RANKS] + (key >> KEY_BITS)]
        if key - before != m[unit + DONE] - m[noted(m, note, unit) + DONE]:
            return False
    return True


def same_gifts(m: Memory, note: int) -> bool:
    """True if the lots of givers without a pair from the followed iteration are still available.

    In the queue, they come after the lots that settled takers take. Only the followed iteration has
    slopes; the function therefore compares no times.
    """
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        number = m[giver + NEXT_LOT]
        lots = number - m[noted(m, note, giver) + NEXT_LOT]
        if not m[giver + GIVES_PAIR] and lots > 0:
            lot = lot_of(m, m[giver + GIVEN_CHANNEL], number - lots)
            if m[lot + LOT] != number - lots:
                return False
    return True
