"""The flow of every taker in the iterations to leave out: settled, or paired with its giver.

A *settled* taker takes only lots that come before its unit is free. They have no influence, and
their queue is not part of the state. The queue may contain enough lots for these iterations. If
not, its giver must *refill* it: every iteration gives as many tokens as it takes, and each of these
lots comes before the taker's unit begins the iteration that takes it.

A *paired* taker takes lots that matter. Every iteration gives its queue as many lots as it takes.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    DONE,
    ENDS,
    ENDS_SIZE,
    FLOW,
    FOLLOWED_NOTE,
    FREE,
    GIVEN,
    GIVER_RECORDS,
    GIVER_SIZE,
    GIVES_PAIR,
    GIVING,
    GIVING_UNIT,
    LANES,
    LIMIT,
    LOT,
    NEVER,
    NEXT_LOT,
    NONE,
    PAIRED,
    POINTER,
    REFILLED,
    SECTION,
    SETTLED,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER_RECORDS,
    TAKER_RECORDS_END,
    TAKER_SIZE,
    TAKING_UNIT,
    TIME,
)
from simulator.engine.lots import lot_of
from simulator.engine.notes import measure, noted, noted_twin


def bind_takers(m: Memory, note: int) -> bool:
    """Find the flow of every taker before the followed iteration; False: a taker has none."""
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        m[giver + GIVES_PAIR], m[giver + REFILLED] = 0, NONE
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        m[taker + FLOW] = 0
        unit, tokens = m[taker + TAKING_UNIT], m[taker + TAKEN] - m[noted(m, note, taker) + TAKEN]
        if tokens == 0 or m[unit + DONE] == m[noted(m, note, unit) + DONE]:
            continue
        iterations = settled_tokens(m, taker, (m[LIMIT] + 1) * tokens) // tokens - 1
        if iterations >= m[LIMIT]:
            m[taker + FLOW] = SETTLED
        elif pair(m, taker, tokens, note):
            m[taker + FLOW] = PAIRED
        elif refill(m, taker, tokens, note):
            m[taker + FLOW] = SETTLED
        elif iterations >= 1:
            m[taker + FLOW], m[LIMIT] = SETTLED, iterations
        else:
            return False
    return True


def settled_tokens(m: Memory, taker: int, wanted: int) -> int:
    """Return the number of tokens from before the taker was free; stop counting at `wanted`."""
    channel, number = m[taker + TAKEN_CHANNEL], m[taker + POINTER]
    taken = upto = m[taker + TAKEN]
    while upto - taken < wanted:
        lot = lot_of(m, channel, number)
        if m[lot + LOT] != number or not comes_before(m, lot, m[taker + TAKING_UNIT], 0):
            break
        upto = m[lot + BEHIND]
        number += 1
    return upto - taken


def comes_before(m: Memory, lot: int, unit: int, iterations: int) -> bool:
    """True if a lot comes before a unit is free some iterations later, in every lane."""
    free, lanes, before = unit + FREE, m[LANES], 0
    for lane in range(lanes):
        then = m[free + lane] + iterations * m[free + lanes + lane]
        before += int(m[lot + TIME + lane] < then)
    return before == lanes


def giver_to(m: Memory, taker: int) -> int:
    """Return the giver of a taker's channel; NONE: it works in another section."""
    section = m[m[taker + TAKING_UNIT] + SECTION]
    giver = m[m[m[taker + TAKEN_CHANNEL] + ENDS] + section * ENDS_SIZE + GIVING]
    if giver != NONE and m[m[giver + GIVING_UNIT] + SECTION] != section:
        return NONE
    return giver


# --- paired takers --------------------------------------------------------------------------------


def pair(m: Memory, taker: int, tokens: int, note: int) -> bool:
    """True if an iteration gives as much as it takes, into an unchanged queue; set its slopes."""
    channel, before, giver = m[taker + TAKEN_CHANNEL], noted(m, note, taker), giver_to(m, taker)
    if giver == NONE:
        return False
    lots = m[taker + POINTER] - m[before + POINTER]
    given = noted(m, note, giver)
    if m[giver + GIVEN] - m[given + GIVEN] != tokens:
        return False
    if m[giver + NEXT_LOT] - m[given + NEXT_LOT] != lots:
        return False
    for place in range(m[giver + NEXT_LOT] - m[taker + POINTER]):
        then = noted_twin(m, note, taker, place, tokens)
        if then == NONE:
            return False
        measure(m, lot_of(m, channel, m[taker + POINTER] + place) + TIME, then + TIME)
    m[giver + GIVES_PAIR] = 1
    return True


# --- refilled queues ------------------------------------------------------------------------------


def refill(m: Memory, taker: int, tokens: int, note: int) -> bool:
    """True if the giver refills a settled taker's queue, and all lots in the queue come early.

    An iteration takes no lot that it gives: the queue has at least as many tokens as it takes.
    """
    unit, giver = m[taker + TAKING_UNIT], giver_to(m, taker)
    if giver == NONE or m[giver + GIVEN] - m[noted(m, note, giver) + GIVEN] != tokens:
        return False
    if m[giver + GIVEN] - m[taker + TAKEN] < tokens:
        return False
    first = m[taker + TAKEN]
    for number in range(m[taker + POINTER], m[giver + NEXT_LOT]):
        lot, iterations = lot_of(m, m[taker + TAKEN_CHANNEL], number), first - m[taker + TAKEN]
        if m[lot + LOT] != number or not comes_before(m, lot, unit, iterations // tokens):
            return False
        first = m[lot + BEHIND]
    m[giver + REFILLED] = taker
    return True


def limit_refills(m: Memory) -> None:
    """Limit the iterations to those whose refills come early, at the end of the followed one."""
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        taker, then = m[giver + REFILLED], noted(m, m[FOLLOWED_NOTE], giver)
        if taker == NONE:
            continue
        first, tokens = m[then + GIVEN], m[giver + GIVEN] - m[then + GIVEN]
        for number in range(m[then + NEXT_LOT], m[giver + NEXT_LOT]):
            lot = lot_of(m, m[taker + TAKEN_CHANNEL], number)
            limit_lot(m, lot, m[taker + TAKING_UNIT], (first - m[taker + TAKEN]) // tokens)
            first = m[lot + BEHIND]


def limit_lot(m: Memory, lot: int, unit: int, iterations: int) -> None:
    """Limit the iterations to those in which a lot comes before its taker begins to take it.

    Args:
        m: the memory.
        lot: a lot of the followed iteration, with its slopes.
        unit: the taker's unit.
        iterations: the number of iterations from the end of this one to the one that takes the lot.

    """
    lanes, time, free = m[LANES], lot + TIME, unit + FREE
    for lane in range(lanes):
        slope = m[free + lanes + lane]
        lead = m[free + lane] + iterations * slope - m[time + lane]
        gain = m[time + lanes + lane] - slope
        if lead <= 0:
            m[LIMIT] = NEVER
        elif gain > 0:
            m[LIMIT] = min(m[LIMIT], (lead - 1) // gain)
