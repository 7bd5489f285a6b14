"""The tokens of a running program: the lots of each channel, in a ring.

A *lot* is the set of tokens that a command gives to a channel. The lots and tokens of a channel
have numbers in the order of sections, and within a section in the giver's order. A number therefore
determines the section that gives it.
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
    """Copy `size` numbers."""
    m[to : to + size] = m[source : source + size]


def fill(m: Memory, to: int, value: int, size: int) -> None:
    """Write one number into consecutive positions."""
    for place in range(to, to + size):
        m[place] = value


def copy_one_by_one(m: Memory, to: int, source: int, size: int) -> None:
    """`copy` for compiled code, which has no slices: the only function with two forms."""
    for field in range(size):
        m[to + field] = m[source + field]


def lot_of(m: Memory, channel: int, number: int) -> int:
    """Return the address of a channel's lot; before it is given, the slot holds another or none."""
    return m[channel + RING] + (number & m[channel + MASK]) * m[LOT_SIZE]


def next_lot(m: Memory, channel: int, lot: int) -> int:
    """Return the address of the next lot."""
    lot += m[LOT_SIZE]
    return m[channel + RING] if lot == m[channel + RING_END] else lot


def point(m: Memory, taker: int) -> None:
    """Point a taker to the lot with its number."""
    m[taker + HERE] = lot_of(m, m[taker + TAKEN_CHANNEL], m[taker + POINTER])


def has_space(m: Memory, channel: int, number: int) -> bool:
    """True if a lot can be written without overwriting a lot that is still needed."""
    if number - m[channel + LOW] > m[channel + MASK]:
        m[channel + LOW] = needed_from(m, channel)
        if number - m[channel + LOW] > m[channel + MASK]:
            m[LACKING] = channel
            return False
    return True


def needed_from(m: Memory, channel: int) -> int:
    """Return the number of the first lot that may still have tokens to take.

    This is the lot of the taker in the first section that has not taken all its tokens.
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

    If the giver has not given that lot yet, the taker points to no lot (`SOMEWHERE`). The number is
    then of that lot or of an earlier one.

    Args:
        m: the memory.
        taker: a taker with a valid `TAKEN`.
        section: its section.

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
        channel: the channel of the lot.
        number: the number of the lot.
        section: the first section of the search.

    """
    ends = m[channel + ENDS] + section * ENDS_SIZE
    while m[ends + FIRST_LOT] > number:
        ends -= ENDS_SIZE
    while m[ends + ENDS_SIZE + FIRST_LOT] <= number:
        ends += ENDS_SIZE
    return ends
