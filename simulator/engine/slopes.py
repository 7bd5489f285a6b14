"""Slopes: by how much the times of a turn move if the turn begins with times that move.

While a turn is followed, every time has a slope, in each lane. A start is the latest of several
times; it moves with the latest one as long as no other overtakes it. Each comparison therefore
bounds the number of turns for which it has the same outcome in all lanes, and `LIMIT` is the least
of these bounds. A comparison that would not even last for one turn makes it negative.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    END,
    FLOOR,
    FLOW,
    FREE,
    HERE,
    LANES,
    LIMIT,
    NEVER,
    READY,
    SETTLED,
    START,
    TAKE_SIZE,
    TAKE_TOKENS,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER,
    TAKES,
    TAKES_END,
    TIME,
)
from simulator.engine.lots import copy, next_lot


def follow_start(m: Memory, unit: int, command: int) -> None:
    """Find the slopes of a command's start, whose tokens have been given and not yet taken."""
    for late in (True, False):  # find what decides, then compare it with the rest
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
    keep_wait(m, unit)


def adopt(m: Memory, time: int) -> None:
    """Let the start move with a time in all lanes in which the time decides it."""
    lanes, start = m[LANES], m[START]
    for lane in range(lanes):
        if m[time + lane] == m[start + lane]:
            m[start + lanes + lane] = m[time + lanes + lane]


def keep_order(m: Memory, one: int, other: int) -> None:
    """Bound the turns for which, in every lane, the same of two times is the later one."""
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


def keep_wait(m: Memory, unit: int) -> None:
    """Bound the turns to none if a wait would grow or shrink."""
    lanes, start, free = m[LANES], m[START], unit + FREE
    for lane in range(lanes):
        gain = m[start + lanes + lane] - m[free + lanes + lane]
        if gain != 0 and m[start + lane] > m[free + lane]:
            m[LIMIT] = NEVER


def follow_result(m: Memory, unit: int, section: int) -> None:
    """Let the unit and the result move with the start; compare with the section's floor and end."""
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
    """Bound the turns in which as many cycles as now of a command lie behind the floor.

    Args:
        m: the memory.
        lead: cycles between the command's result and the floor.
        slope: by how much the result moves from turn to turn.

    """
    m[LIMIT] = min(m[LIMIT], lead // slope) if lead >= 0 else NEVER
