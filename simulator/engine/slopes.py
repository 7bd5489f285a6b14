"""Slopes: by how much the times of a turn move if the turn begins with times that move.

While a turn is followed, every time has a slope. A start is the latest of several times; it moves
with the latest one as long as no other overtakes it. Each comparison therefore bounds the number of
turns for which it has the same outcome, and `LIMIT` is the least of these bounds. A comparison that
would not even last for one turn makes it negative.
"""

from simulator.compiling import Memory
from simulator.engine.layout import (
    BEHIND,
    END,
    END_SLOPE,
    FLOOR,
    FLOW,
    FREE,
    HERE,
    LIMIT,
    LOT_SLOPE,
    NEVER,
    SETTLED,
    SLOPE,
    TAKE_SIZE,
    TAKE_TOKENS,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER,
    TAKES,
    TAKES_END,
    TIME,
)  # fmt: skip
from simulator.engine.lots import next_lot


def follow_start(m: Memory, unit: int, command: int, start: int) -> int:
    """Return the slope of a command's start; its tokens have been given, and not yet taken."""
    slope, known = 0, False
    if m[unit + FREE] == start:
        slope, known = m[unit + SLOPE], True
    for late in (True, False):  # those that decide the start, then those that do not
        if not late and m[unit + FREE] < start:
            outrun(m, start - m[unit + FREE], m[unit + SLOPE] - slope)
        for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
            taker = m[take + TAKER]
            if m[taker + FLOW] == SETTLED:
                continue
            channel, lot = m[taker + TAKEN_CHANNEL], m[taker + HERE]
            upto = m[taker + TAKEN] + m[take + TAKE_TOKENS]
            while True:
                if late and m[lot + TIME] == start:
                    if not known:
                        slope, known = m[lot + LOT_SLOPE], True
                    elif slope != m[lot + LOT_SLOPE]:
                        m[LIMIT] = NEVER
                elif not late and m[lot + TIME] < start:
                    outrun(m, start - m[lot + TIME], m[lot + LOT_SLOPE] - slope)
                if m[lot + BEHIND] >= upto:
                    break
                lot = next_lot(m, channel, lot)
    return slope


def outrun(m: Memory, lead: int, gain: int) -> None:
    """Bound the turns for which one time stays behind another.

    Args:
        m: the memory.
        lead: cycles between them.
        gain: by how much the later one's lead shrinks with every turn.

    """
    if gain > 0:
        m[LIMIT] = min(m[LIMIT], (lead - 1) // gain)


def follow_end(m: Memory, section: int, ready: int, slope: int) -> None:
    """Compare a result with the section's last one."""
    end, end_slope = m[section + END], m[section + END_SLOPE]
    if ready > end:
        outrun(m, ready - end, end_slope - slope)
        m[section + END_SLOPE] = slope
    elif ready < end:
        outrun(m, end - ready, slope - end_slope)
    elif slope != end_slope:
        m[LIMIT] = NEVER


def follow_floor(m: Memory, section: int, start: int, ready: int, slope: int) -> None:
    """Compare a command with its section's floor, so that as many of its cycles lie behind it."""
    floor = m[section + FLOOR]
    if start >= floor or slope == 0:
        return
    if ready <= floor:
        m[LIMIT] = min(m[LIMIT], (floor - ready) // slope)
    else:
        m[LIMIT] = NEVER
