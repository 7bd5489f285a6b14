"""A command of the fast engine: when it starts and why, what it takes and what it gives.

Every value, a unit's free time or a lot, carries beside its time the key of the command that it
comes from and the critical path to it (`paths.py`). A start takes over the path of what decided it.
"""

from simulator.compiling import Memory
from simulator.engine.layout import (
    AT_START,
    BEHIND,
    BUSY,
    CAUSE,
    CHANNEL_NUMBER,
    CYCLES,
    DONE,
    END,
    END_KEY,
    END_PATH,
    FLOOR,
    FREE,
    GIVE_SIZE,
    GIVE_TOKENS,
    GIVEN,
    GIVEN_CHANNEL,
    GIVER,
    GIVES,
    GIVES_END,
    GIVING_UNIT,
    HERE,
    KEY,
    LACKED,
    LACKING,
    LATENCY,
    LIMIT,
    LOT,
    LOT_PATH,
    LOT_SLOPE,
    LOW,
    MASK,
    NEVER,
    NEXT_LOT,
    NONE,
    POINTER,
    RAN,
    RANK,
    ROWS,
    SECTION,
    SECTION_SIZE,
    SECTIONS,
    SHARE,
    SLOPE,
    SOMEWHERE,
    STARTS,
    TAKE_SIZE,
    TAKE_TOKENS,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER,
    TAKES,
    TAKES_END,
    THERE,
    TIME,
    TRACKING,
    UNIT_PATH,
    WAITS,
)  # fmt: skip
from simulator.engine.lots import has_space, look_up, lot_of, next_lot
from simulator.engine.paths import add_node, result_of
from simulator.engine.slopes import follow_end, follow_floor, follow_start


def start_of(m: Memory, unit: int, command: int) -> int:
    """Return the cycle in which a unit's next command starts, or NEVER if it lacks a token."""
    start = m[unit + FREE]
    for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
        taker = m[take + TAKER]
        lot = m[taker + HERE]
        if m[lot + BEHIND] <= m[taker + TAKEN]:
            lot = find_lot(m, taker, m[unit + SECTION])
            if lot == NONE:
                return NEVER
        start = max(start, m[lot + TIME])
        if m[lot + BEHIND] < m[taker + TAKEN] + m[take + TAKE_TOKENS]:
            last = last_of(m, taker, m[taker + TAKEN] + m[take + TAKE_TOKENS])
            if last == NEVER:
                return NEVER
            start = max(start, last)
    return start


def find_lot(m: Memory, taker: int, section: int) -> int:
    """Return the lot of a taker's next token, or NONE if it has not been given."""
    channel, number = m[taker + TAKEN_CHANNEL], m[taker + POINTER]
    if number == SOMEWHERE:
        number = look_up(m, taker, section)
        if m[taker + POINTER] == number:
            return m[taker + HERE]
    m[LACKING], m[LACKED] = channel, number
    return NONE


def last_of(m: Memory, taker: int, upto: int) -> int:
    """Return the cycle in which the last of several lots is there, or NEVER if one is not given."""
    channel, number, last = m[taker + TAKEN_CHANNEL], m[taker + POINTER], NEVER
    while True:
        lot = lot_of(m, channel, number)
        if m[lot + LOT] != number:
            m[LACKING], m[LACKED] = channel, number
            return NEVER
        last = max(last, m[lot + TIME])
        if m[lot + BEHIND] >= upto:
            return last
        number += 1


def run_command(m: Memory, unit: int, command: int, start: int) -> bool:
    """Run a command whose tokens have been given; return whether there was space for it all."""
    end = start + m[command + CYCLES]
    ready = end + m[command + LATENCY]
    section = m[SECTIONS] + m[unit + SECTION] * m[SECTION_SIZE]
    if m[TRACKING]:
        slope = follow_start(m, unit, command, start)
        follow_floor(m, section, start, ready, slope)
        follow_end(m, section, ready, slope)
        if start > m[unit + FREE] and slope != m[unit + SLOPE]:
            m[LIMIT] = NEVER  # the wait grows
        m[unit + SLOPE] = slope
    cause, before = decide(m, unit, command, start)
    path = add_node(m, command, before)
    if path == NONE:
        return False
    take_tokens(m, command)
    gives, gives_end = m[command + GIVES], m[command + GIVES_END]
    while gives < gives_end and m[gives + AT_START]:
        if not give(m, gives, start, cause, before):
            return False
        gives += GIVE_SIZE
    key = m[command + RANK] + m[unit + DONE]
    if m[STARTS]:
        m[m[unit + ROWS] + m[unit + DONE]] = start
    m[unit + FREE], m[unit + KEY], m[unit + UNIT_PATH] = end, key, path
    m[unit + DONE] += 1
    m[RAN] += 1
    floor = m[section + FLOOR]
    if start >= floor:
        m[m[unit + SHARE] + BUSY] += end - start
    elif end > floor:
        m[m[unit + SHARE] + BUSY] += end - floor
    path = result_of(path)
    if ready > m[section + END] or (ready == m[section + END] and key > m[section + END_KEY]):
        m[section + END], m[section + END_KEY], m[section + END_PATH] = ready, key, path
    while gives < gives_end:
        if not give(m, gives, ready, key, path):
            return False
        gives += GIVE_SIZE
    return True


def decide(m: Memory, unit: int, command: int, start: int) -> tuple[int, int]:
    """Return the key of what decides a command's start, and the path to there.

    Of several causes the one with the largest key counts. A wait belongs to the channel whose token
    came last.
    """
    free = m[unit + FREE]
    key, path, waited = NEVER, NONE, NEVER
    if free == start:
        key, path = m[unit + KEY], m[unit + UNIT_PATH]
    for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
        taker = m[take + TAKER]
        channel, lot = m[taker + TAKEN_CHANNEL], m[taker + HERE]
        upto = m[taker + TAKEN] + m[take + TAKE_TOKENS]
        while True:
            if m[lot + TIME] == start:
                cause, place = m[lot + CAUSE], m[channel + CHANNEL_NUMBER]
                if cause > key or (cause == key and place < waited):
                    key, path, waited = cause, m[lot + LOT_PATH], place
            if m[lot + BEHIND] >= upto:
                break
            lot = next_lot(m, channel, lot)
    if start > free:
        m[m[unit + SHARE] + WAITS + waited] += start - free
    return key, path


def take_tokens(m: Memory, command: int) -> None:
    """Take what a command takes."""
    for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
        taker = m[take + TAKER]
        m[taker + TAKEN] += m[take + TAKE_TOKENS]
        while m[m[taker + HERE] + BEHIND] <= m[taker + TAKEN]:
            m[taker + POINTER] += 1
            m[taker + HERE] = next_lot(m, m[taker + TAKEN_CHANNEL], m[taker + HERE])
            if m[m[taker + HERE] + LOT] != m[taker + POINTER]:
                break


def give(m: Memory, give: int, time: int, key: int, path: int) -> bool:
    """Give a lot; return whether there was space for it.

    Args:
        m: the memory.
        give: who gives how many tokens.
        time: cycle in which they are there.
        key: of the command that they come from.
        path: the critical path to `time`.

    """
    giver = m[give + GIVER]
    channel, number, lot = m[giver + GIVEN_CHANNEL], m[giver + NEXT_LOT], m[giver + THERE]
    if number - m[channel + LOW] > m[channel + MASK] and not has_space(m, channel, number):
        return False
    m[giver + GIVEN] += m[give + GIVE_TOKENS]
    m[lot + LOT], m[lot + BEHIND], m[lot + TIME] = number, m[giver + GIVEN], time
    m[lot + CAUSE], m[lot + LOT_PATH] = key, path
    m[lot + LOT_SLOPE] = m[m[giver + GIVING_UNIT] + SLOPE]
    m[giver + NEXT_LOT] = number + 1
    m[giver + THERE] = next_lot(m, channel, lot)
    return True
