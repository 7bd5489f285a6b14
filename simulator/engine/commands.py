"""A command of the fast engine: its start and the cause of the start, and its tokens.

Every value is a unit's free time or a lot. A value carries its time, the key of the command that
determines the time, and the critical path to it (`paths.py`). A start takes over the path of the
value that decided it, separately in each lane.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    AT_START,
    BEHIND,
    BUSY,
    CAUSE,
    CYCLES,
    DONE,
    END,
    END_KEY,
    END_PATH,
    FIRST_START,
    FLOOR,
    FREE,
    GIVE_SIZE,
    GIVE_TOKENS,
    GIVEN,
    GIVEN_CHANNEL,
    GIVER,
    GIVES,
    GIVES_END,
    HERE,
    KEY,
    LACKED,
    LACKING,
    LANES,
    LOT,
    LOT_PATH,
    LOW,
    MASK,
    NEXT_LOT,
    NODE_BEFORE,
    NODE_NEXT,
    NONE,
    POINTER,
    RAN,
    RANK,
    READY,
    ROWS,
    SECTION,
    SECTION_SIZE,
    SECTIONS,
    SHARE,
    SLOPES,
    SOMEWHERE,
    START,
    TAKE_SIZE,
    TAKE_TOKENS,
    TAKE_WAIT,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER,
    TAKES,
    TAKES_END,
    THERE,
    TIME,
    TRACKING,
    UNIT_PATH,
    WAITED,
)
from simulator.engine.lots import copy, has_space, look_up, next_lot
from simulator.engine.paths import TO_RESULT, TO_START, add_node, path_to
from simulator.engine.slopes import follow_result, follow_start


def find_start(m: Memory, unit: int, command: int) -> bool:
    """Find the start and cause of a unit's next command; return False if it lacks a token.

    A command starts when its unit is free and all its tokens are available. Among several causes,
    the cause with the largest key counts. A wait belongs to the channel whose token came last. The
    function writes the path to the start into the next node, which becomes the command's node.
    """
    lanes, start = m[LANES], m[START]
    causes, paths, free = start + CAUSE * lanes, m[NODE_NEXT] + NODE_BEFORE, unit + FREE
    key, path = m[unit + KEY], m[unit + UNIT_PATH]
    for lane in range(lanes):
        m[start + lane], m[causes + lane], m[paths + lane] = m[free + lane], key, path
    for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
        taker = m[take + TAKER]
        lot = m[taker + HERE]
        if m[lot + BEHIND] <= m[taker + TAKEN]:
            lot = find_lot(m, taker, m[unit + SECTION])
            if lot == NONE:
                return False
        wait_for(m, lot, m[take + TAKE_WAIT])
        upto = m[taker + TAKEN] + m[take + TAKE_TOKENS]
        if m[lot + BEHIND] < upto and not wait_for_more(m, take, lot, upto):
            return False
    return True


def find_lot(m: Memory, taker: int, section: int) -> int:
    """Return the lot of a taker's next token, or NONE if the giver has not given it yet."""
    channel, number = m[taker + TAKEN_CHANNEL], m[taker + POINTER]
    if number == SOMEWHERE:
        number = look_up(m, taker, section)
        if m[taker + POINTER] == number:
            return m[taker + HERE]
    m[LACKING], m[LACKED] = channel, number
    return NONE


def wait_for_more(m: Memory, take: int, lot: int, upto: int) -> bool:
    """Let the start wait for further lots, up to token number `upto`; False: a lot is missing."""
    taker = m[take + TAKER]
    channel, number = m[taker + TAKEN_CHANNEL], m[taker + POINTER]
    while m[lot + BEHIND] < upto:
        number += 1
        lot = next_lot(m, channel, lot)
        if m[lot + LOT] != number:
            m[LACKING], m[LACKED] = channel, number
            return False
        wait_for(m, lot, m[take + TAKE_WAIT])
    return True


def wait_for(m: Memory, lot: int, wait: int) -> None:
    """Let a start wait for a lot.

    Args:
        m: the memory.
        lot: the lot.
        wait: the field of the unit's share that counts such waits.

    """
    lanes, start, time, path = m[LANES], m[START], lot + TIME, m[lot + LOT_PATH]
    causes, paths, waits = start + CAUSE * lanes, m[NODE_NEXT] + NODE_BEFORE, start + WAITED * lanes
    for lane in range(lanes):
        there, begin = m[time + lane], m[start + lane]
        cause, why = m[time + CAUSE * lanes + lane], m[causes + lane]
        before, waited = m[paths + lane], m[waits + lane]
        later = there > begin or (there == begin and cause > why)
        m[start + lane] = there if later else begin
        m[causes + lane] = cause if later else why
        m[paths + lane] = path if later else before
        m[waits + lane] = wait if later else waited


def run_command(m: Memory, unit: int, command: int) -> bool:
    """Run a command after `find_start`; False: too little space for a node or for its tokens."""
    start, ready = m[START], m[READY]
    section = m[SECTIONS] + m[unit + SECTION] * m[SECTION_SIZE]
    node = add_node(m, command)
    if node == NONE:
        return False
    path, key = path_to(m, node), m[command + RANK] + m[unit + DONE]
    if m[TRACKING]:
        follow_start(m, unit, command)
    if m[unit + DONE] == 0:
        copy(m, m[unit + SHARE] + BUSY + FIRST_START * m[LANES], start, m[LANES])
    occupy(m, unit, command, section, key)
    if m[TRACKING]:
        follow_result(m, unit, section)
    end_later(m, section, key, path | TO_RESULT)
    if m[unit + ROWS] != NONE:
        row = m[unit + ROWS] + m[unit + DONE]
        m[row], m[row + m[SLOPES]] = m[start], m[start + m[LANES]]
    m[unit + KEY], m[unit + UNIT_PATH] = key, path
    m[unit + DONE] += 1
    m[RAN] += 1
    take_tokens(m, command)
    for each in range(m[command + GIVES], m[command + GIVES_END], GIVE_SIZE):
        if m[each + AT_START]:
            given = give(m, each, start, path | TO_START)
        else:
            given = give(m, each, ready, path | TO_RESULT)
        if not given:
            return False
    return True


def occupy(m: Memory, unit: int, command: int, section: int, key: int) -> None:
    """Occupy a unit with a command: count its wait and its cycles, and find its result."""
    lanes, start, ready, share = m[LANES], m[START], m[READY], m[unit + SHARE]
    free, floor, cycles, busy = unit + FREE, section + FLOOR, command + CYCLES, share + BUSY
    waited = start + WAITED * lanes
    for lane in range(lanes):
        if m[start + lane] > m[free + lane]:
            m[share + m[waited + lane] + lane] += m[start + lane] - m[free + lane]
    for lane in range(lanes):
        begin = m[start + lane]
        end = begin + m[cycles + lane]
        m[busy + lane] += max(end - max(begin, m[floor + lane]), 0)
        m[free + lane] = end
        m[ready + lane] = end + m[cycles + lanes + lane]
        m[ready + CAUSE * lanes + lane] = key


def end_later(m: Memory, section: int, key: int, path: int) -> None:
    """Let a section end with a result, unless another result is later."""
    lanes, ready = m[LANES], m[READY]
    first = section + FLOOR
    end, end_key, end_path = first + END * lanes, first + END_KEY * lanes, first + END_PATH * lanes
    for lane in range(lanes):
        time, last = m[ready + lane], m[end + lane]
        if time > last or (time == last and key > m[end_key + lane]):
            m[end + lane], m[end_key + lane], m[end_path + lane] = time, key, path


def take_tokens(m: Memory, command: int) -> None:
    """Take the tokens that a command takes."""
    for take in range(m[command + TAKES], m[command + TAKES_END], TAKE_SIZE):
        taker = m[take + TAKER]
        m[taker + TAKEN] += m[take + TAKE_TOKENS]
        while m[m[taker + HERE] + BEHIND] <= m[taker + TAKEN]:
            m[taker + POINTER] += 1
            m[taker + HERE] = next_lot(m, m[taker + TAKEN_CHANNEL], m[taker + HERE])
            if m[m[taker + HERE] + LOT] != m[taker + POINTER]:
                break


def give(m: Memory, give: int, time: int, path: int) -> bool:
    """Give a lot; return False if it does not fit.

    Args:
        m: the memory.
        give: the giver and the number of tokens.
        time: the start or the result at which the giver gives them.
        path: the critical path to `time`.

    """
    giver = m[give + GIVER]
    channel, number, lot = m[giver + GIVEN_CHANNEL], m[giver + NEXT_LOT], m[giver + THERE]
    if number - m[channel + LOW] > m[channel + MASK] and not has_space(m, channel, number):
        return False
    m[giver + GIVEN] += m[give + GIVE_TOKENS]
    m[lot + LOT], m[lot + BEHIND], m[lot + LOT_PATH] = number, m[giver + GIVEN], path
    copy(m, lot + TIME, time, 3 * m[LANES])
    m[giver + NEXT_LOT] = number + 1
    m[giver + THERE] = next_lot(m, channel, lot)
    return True
