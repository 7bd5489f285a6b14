"""The tokens of a running program: lots that lie in a ring for each channel.

What a command gives to a channel is a *lot*. Lots and tokens of a channel are numbered by section,
and within a section in the giver's order, so a number says which section gives it.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    ENDS,
    ENDS_SIZE,
    EVERYTHING,
    FIRST_GIVEN,
    FIRST_LOT,
    HANDOFF,
    HERE,
    LACKING,
    LOT,
    LOT_SIZE,
    LOW,
    MASK,
    NONE,
    NOWHERE,
    OPEN,
    POINTER,
    RING,
    RING_END,
    SECTION,
    SOMEWHERE,
    TAKEN,
    TAKEN_CHANNEL,
    TAKING,
    TAKING_UNIT,
)


def copy(m: Memory, to: int, source: int, size: int) -> None:
    """Copy some numbers."""
    m[to : to + size] = m[source : source + size]


def fill(m: Memory, to: int, value: int, size: int) -> None:
    """Write one number into several places."""
    for place in range(to, to + size):
        m[place] = value


def copy_one_by_one(m: Memory, to: int, source: int, size: int) -> None:
    """`copy` for compiled code, which has no slices: the only function that has two forms."""
    for field in range(size):
        m[to + field] = m[source + field]


def lot_of(m: Memory, channel: int, number: int) -> int:
    """Return the place of a channel's lot; until it is given, another lies there, or none."""
    return m[channel + RING] + (number & m[channel + MASK]) * m[LOT_SIZE]


def next_lot(m: Memory, channel: int, lot: int) -> int:
    """Return the place behind a lot's."""
    lot += m[LOT_SIZE]
    return m[channel + RING] if lot == m[channel + RING_END] else lot


def point(m: Memory, taker: int) -> None:
    """Let a taker find the lot with its number."""
    m[taker + HERE] = lot_of(m, m[taker + TAKEN_CHANNEL], m[taker + POINTER])


def has_space(m: Memory, channel: int, number: int) -> bool:
    """Whether a lot can be written where one may lie that is still needed."""
    if number - m[channel + LOW] > m[channel + MASK]:
        m[channel + LOW] = needed_from(m, channel)
        if number - m[channel + LOW] > m[channel + MASK]:
            m[LACKING] = channel
            return False
    return True


def needed_from(m: Memory, channel: int) -> int:
    """Return the number of the first lot of which a token may still be taken.

    It is where the taker stands of the first section in which not all has been taken.
    """
    ends = m[channel + ENDS] + m[channel + OPEN] * ENDS_SIZE
    while m[ends + FIRST_LOT] < EVERYTHING:
        taker = m[ends + TAKING]
        if taker != NONE:
            section = m[m[taker + TAKING_UNIT] + SECTION]
            if section == m[channel + OPEN] and m[taker + POINTER] != SOMEWHERE:
                return m[taker + POINTER]
            if section <= m[channel + OPEN]:
                return m[channel + HANDOFF]
        m[channel + OPEN] += 1
        ends += ENDS_SIZE
    return EVERYTHING


def look_up(m: Memory, taker: int, section: int) -> int:
    """Point a taker to the lot with its next token; return the lot's number.

    If that lot has not been given, the taker points nowhere (`SOMEWHERE`), and the number is of
    that lot or of one before it.

    Args:
        m: the memory.
        taker: whose `TAKEN` is known.
        section: that it is in.

    """
    channel, token = m[taker + TAKEN_CHANNEL], m[taker + TAKEN]
    ends = m[channel + ENDS] + section * ENDS_SIZE
    while m[ends + FIRST_GIVEN] > token and ends > m[channel + ENDS]:
        ends -= ENDS_SIZE
    while m[ends + ENDS_SIZE + FIRST_GIVEN] <= token:
        ends += ENDS_SIZE
    m[taker + POINTER], m[taker + HERE] = SOMEWHERE, m[NOWHERE]
    number = needed_from(m, channel)
    if m[ends + FIRST_GIVEN] <= token:
        number = max(number, m[ends + FIRST_LOT])
    while True:
        lot = lot_of(m, channel, number)
        if m[lot + LOT] < number:
            return number
        if m[lot + LOT] == number and m[lot + BEHIND] > token:
            m[taker + POINTER], m[taker + HERE] = number, lot
            return number
        number += 1


def section_of(m: Memory, channel: int, number: int, section: int) -> int:
    """Return the ends of the section that gives a lot.

    Args:
        m: the memory.
        channel: of the lot.
        number: of the lot.
        section: where the search begins.

    """
    ends = m[channel + ENDS] + section * ENDS_SIZE
    while m[ends + FIRST_LOT] > number:
        ends -= ENDS_SIZE
    while m[ends + ENDS_SIZE + FIRST_LOT] <= number:
        ends += ENDS_SIZE
    return ends
