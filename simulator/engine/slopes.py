"""Slopes: the shift of the times of an iteration if the times at its beginning shift.

While the engine follows an iteration, every time has a slope, in each lane. A start is the latest
of several times. It moves with this time as long as no other time overtakes it. Each comparison
therefore limits the number of iterations for which it has the same outcome in all lanes. `LIMIT` is
the smallest of these limits. A comparison that would not hold even for one iteration makes it
negative.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    END,
    FLOOR,
    FLOW,
    FREE,
    GROWTH,
    HERE,
    LANES,
    LIMIT,
    NEVER,
    READY,
    SECTION,
    SECTION_SIZE,
    SECTIONS,
    SETTLED,
    SHARE,
    START,
    TAKE_SIZE,
    TAKE_TOKENS,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER,
    TAKES,
    TAKES_END,
    TIME,
    WAITED,
)
from simulator.engine.lots import copy, next_lot


def follow_start(m: Memory, unit: int, command: int) -> None:
    """Find the slopes of a command's start before the command takes its tokens."""
    for late in (True, False):  # find the deciding time, then compare it with the others
        for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
            taker = m[take + TAKER]
            if m[taker + FLOW] == SETTLED:
                continue
            channel, lot = m[taker + TAKEN_CHANNEL], m[taker + HERE]
            upto = m[taker + TAKEN] + m[take + TAKE_TOKENS]
            while True:
                if late:
                    adopt(m, lot + TIME)
                else:
                    keep_order(m, lot + TIME, m[START])
                if m[lot + BEHIND] >= upto:
                    break
                lot = next_lot(m, channel, lot)
        if late:
            adopt(m, unit + FREE)
    keep_order(m, unit + FREE, m[START])
    grow_wait(m, unit)


def adopt(m: Memory, time: int) -> None:
    """Let the start move with a time, in all lanes in which that time decides the start."""
    lanes, start = m[LANES], m[START]
    for lane in range(lanes):
        if m[time + lane] == m[start + lane]:
            m[start + lanes + lane] = m[time + lanes + lane]


def keep_order(m: Memory, one: int, other: int) -> None:
    """Limit the iterations to those in which the later of two times stays later, in every lane."""
    lanes, limit = m[LANES], m[LIMIT]
    for lane in range(lanes):
        gain = m[one + lanes + lane] - m[other + lanes + lane]
        if gain != 0:
            lead = m[other + lane] - m[one + lane]
            if lead < 0:
                lead, gain = -lead, -gain
            if lead == 0:
                limit = NEVER
            elif gain > 0 and gain * limit >= lead:
                limit = (lead - 1) // gain
    m[LIMIT] = limit


def grow_wait(m: Memory, unit: int) -> None:
    """Note by how much the unit's wait for the start grows from iteration to iteration."""
    lanes, start, free = m[LANES], m[START], unit + FREE
    section = m[SECTIONS] + m[unit + SECTION] * m[SECTION_SIZE]
    waits = m[GROWTH] + m[unit + SHARE] - section
    for lane in range(lanes):
        if m[start + lane] > m[free + lane]:
            wait = waits + m[start + WAITED * lanes + lane] + lane
            m[wait] += m[start + lanes + lane] - m[free + lanes + lane]


def follow_result(m: Memory, unit: int, section: int) -> None:
    """Move the unit and the result with the start; compare with the section's floor and end."""
    lanes, start, ready = m[LANES], m[START], m[READY]
    floor, end = section + FLOOR, section + FLOOR + END * lanes
    copy(m, unit + FREE + lanes, start + lanes, lanes)
    copy(m, ready + lanes, start + lanes, lanes)
    keep_order(m, ready, end)
    for lane in range(lanes):
        slope = m[ready + lanes + lane]
        if m[ready + lane] > m[end + lane]:
            m[end + lanes + lane] = slope
        if slope != 0 and m[start + lane] < m[floor + lane]:
            keep_floor(m, m[floor + lane] - m[ready + lane], slope)


def keep_floor(m: Memory, lead: int, slope: int) -> None:
    """Limit the iterations to those with as many cycles of a command after the floor as now.

    Args:
        m: the memory.
        lead: cycles between the command's result and the floor.
        slope: cycles by which the result moves from iteration to iteration.

    """
    m[LIMIT] = min(m[LIMIT], lead // slope) if lead >= 0 else NEVER
