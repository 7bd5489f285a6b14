"""Notes of the state after an iteration: units, givers, takers, section, and queue heads."""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    END,
    ENDS,
    ENDS_SIZE,
    FLOOR,
    FLOW,
    GIVING,
    LANES,
    LOT,
    LOT_SIZE,
    NONE,
    NOTED_ITERATION,
    NOTED_LOTS,
    NOTED_RAN,
    NOTED_STATE,
    PAIRED,
    POINTER,
    QUEUE,
    QUEUE_SIZE,
    RAN,
    SECTION,
    SECTION_SIZE,
    SECTIONS,
    STATE_SIZE,
    TAKEN_CHANNEL,
    TAKER_RECORDS,
    TAKER_RECORDS_END,
    TAKER_SIZE,
    TAKING_UNIT,
    TIME,
    UNITS,
)
from simulator.engine.lots import copy, lot_of

FEWEST_NOTED = 16
"""The number of lots that a note has of every queue, even if an iteration has few commands."""


def write_note(m: Memory, note: int, root: int, iteration: int, whole: bool) -> None:
    """Note the state at the end of an iteration, the section, and the queues.

    A queue can be much longer than an iteration. The number of noted lots therefore depends on the
    number of commands that the iteration ran.

    Args:
        m: the memory.
        note: the note to write; its `NOTED_RAN` is still that of the previous iteration.
        root: the unit whose iteration it is.
        iteration: iterations that are over.
        whole: True: note all; False: note only times of the section and of lots, without slopes
            and causes.

    """
    m[note + NOTED_LOTS] = FEWEST_NOTED + m[RAN] - m[note + NOTED_RAN]
    m[note + NOTED_ITERATION], m[note + NOTED_RAN] = iteration, m[RAN]
    copy(m, note + NOTED_STATE, m[UNITS], m[STATE_SIZE])
    size = m[SECTION_SIZE] if whole else FLOOR + (END + 1) * m[LANES]
    copy(m, noted_section(m, note), section_of_unit(m, root), size)
    size = m[LOT_SIZE] if whole else TIME + m[LANES]
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        number, to = m[taker + POINTER], note + m[taker + QUEUE]
        for place in range(min(m[taker + QUEUE_SIZE], m[note + NOTED_LOTS])):
            lot = lot_of(m, m[taker + TAKEN_CHANNEL], number + place)
            if m[lot + LOT] != number + place:
                break
            copy(m, to + place * m[LOT_SIZE], lot, size)


def section_of_unit(m: Memory, unit: int) -> int:
    """Return the current section of a unit."""
    return m[SECTIONS] + m[unit + SECTION] * m[SECTION_SIZE]


def noted(m: Memory, note: int, record: int) -> int:
    """Return the address of a unit, a giver, or a taker in a note."""
    return note + NOTED_STATE + record - m[UNITS]


def noted_section(m: Memory, note: int) -> int:
    """Return the address of the section in a note."""
    return note + NOTED_STATE + m[STATE_SIZE]


def noted_lot(m: Memory, note: int, taker: int, place: int) -> int:
    """Return the address of a lot that was in a taker's queue at a note; NONE: no lot."""
    if place < min(m[taker + QUEUE_SIZE], m[note + NOTED_LOTS]):
        return note + m[taker + QUEUE] + place * m[LOT_SIZE]
    number = m[noted(m, note, taker) + POINTER] + place
    lot = lot_of(m, m[taker + TAKEN_CHANNEL], number)
    return lot if m[lot + LOT] == number else NONE


def noted_twin(m: Memory, note: int, taker: int, place: int, tokens: int) -> int:
    """Return the noted lot that a lot in a taker's queue repeats, `tokens` later; NONE: no lot."""
    number = m[taker + POINTER] + place
    lot, then = lot_of(m, m[taker + TAKEN_CHANNEL], number), noted_lot(m, note, taker, place)
    if then == NONE or m[lot + LOT] != number or m[lot + BEHIND] - m[then + BEHIND] != tokens:
        return NONE
    return then


def measure(m: Memory, time: int, then: int) -> None:
    """Set slopes to the change of times since a note."""
    lanes = m[LANES]
    for lane in range(lanes):
        m[time + lanes + lane] = m[time + lane] - m[then + lane]


def paired_giver(m: Memory, taker: int) -> int:
    """Return the giver that forms a pair with a taker in this repetition; NONE: no giver."""
    if m[taker + FLOW] != PAIRED:
        return NONE
    section = m[m[taker + TAKING_UNIT] + SECTION]
    ends = m[m[taker + TAKEN_CHANNEL] + ENDS] + section * ENDS_SIZE
    return m[ends + GIVING]
