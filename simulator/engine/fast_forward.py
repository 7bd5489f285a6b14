"""Moves the state some iterations ahead; `repeats.py` determines when this is valid.

In each of these iterations, every number of the state moves as in the followed iteration.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    ANCHOR,
    BEHIND,
    CAUSE,
    DEPTH,
    DONE,
    END_PATH,
    ENTRY,
    FAST_FORWARDS,
    FLOOR,
    FLOW,
    FOLLOWED_NOTE,
    FRAME_SIZE,
    FRAMES,
    GIVEN,
    GIVEN_CHANNEL,
    GIVER_RECORDS,
    GIVER_SIZE,
    GIVES_PAIR,
    GROWTH,
    HERE,
    KEY_BITS,
    LANES,
    LOT,
    LOT_PATH,
    LOT_SIZE,
    NEXT_LOT,
    NODE_BEFORE,
    NODE_ITERATIONS,
    NODE_NEXT,
    NODE_PLACE,
    NODE_SIZE,
    NONE,
    POINTER,
    RANKS,
    REFILLED,
    REPEATED,
    ROWS,
    SECTION_SIZE,
    SETTLED,
    SLOPES,
    SPARE,
    STATUS,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER_RECORDS,
    TAKER_RECORDS_END,
    TAKER_SIZE,
    THERE,
    TIME,
    UNIT_PATH,
    UNIT_SIZE,
    UNITS,
    Status,
)
from simulator.engine.lots import copy, fill, has_space, lot_of, point
from simulator.engine.notes import noted, noted_lot, noted_section, paired_giver, section_of_unit
from simulator.engine.paths import add_node, path_to

TOO_SMALL = int(Status.TOO_SMALL)


# --- paths at the beginning and at the end of the iteration ---------------------------------------


def anchor_paths(m: Memory, root: int) -> bool:
    """Mark the paths at the beginning of the followed iteration; False: out of space.

    The order of numbers is: the units' paths, the paths of lots in queues of paired takers, and the
    path of the section's last result.
    """
    place = 0
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        node = anchor(m, place)
        if node == NONE:
            return False
        fill(m, node + NODE_BEFORE, m[unit + UNIT_PATH], m[LANES])
        m[unit + UNIT_PATH] = path_to(m, node)
        place += 1
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        for number in range(m[taker + POINTER], queue_end(m, taker)):
            lot, node = lot_of(m, m[taker + TAKEN_CHANNEL], number), anchor(m, place)
            if node == NONE:
                return False
            fill(m, node + NODE_BEFORE, m[lot + LOT_PATH], m[LANES])
            m[lot + LOT_PATH] = path_to(m, node)
            place += 1
    node, path = anchor(m, place), end_path(m, section_of_unit(m, root))
    if node == NONE:
        return False
    copy(m, node + NODE_BEFORE, path, m[LANES])
    fill(m, path, path_to(m, node), m[LANES])
    return True


def anchor(m: Memory, place: int) -> int:
    """Return an anchor for the end of a value's path; NONE: out of space."""
    node = add_node(m, ANCHOR)
    if node == NONE:
        m[STATUS] = TOO_SMALL
    else:
        m[node + NODE_PLACE] = place
    return node


def end_path(m: Memory, section: int) -> int:
    """Return the address of the paths to a section's last result."""
    return section + FLOOR + END_PATH * m[LANES]


def queue_end(m: Memory, taker: int) -> int:
    """Return the number after the last lot in a paired taker's queue.

    Only queues of paired takers belong to the state; for other takers, return the number of the
    taker's own lot.
    """
    giver = paired_giver(m, taker)
    return m[taker + POINTER] if giver == NONE else m[giver + NEXT_LOT]


def write_table(m: Memory, root: int) -> int:
    """Write the paths at the end of the iteration, in the order of anchors; NONE: out of space.

    After them come the lots of givers without a pair. Return the path to the first entry.
    """
    table, lanes = m[NODE_NEXT], m[LANES]
    size = first_gift(m)
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        size += gifts(m, giver)
    for number in range(size):
        node = add_node(m, ENTRY)
        if node == NONE:
            return NONE
        m[node + NODE_PLACE] = number
    place = table + NODE_BEFORE
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        fill(m, place, m[unit + UNIT_PATH], lanes)
        place += m[NODE_SIZE]
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        for number in range(m[taker + POINTER], queue_end(m, taker)):
            path = m[lot_of(m, m[taker + TAKEN_CHANNEL], number) + LOT_PATH]
            fill(m, place, path, lanes)
            place += m[NODE_SIZE]
    copy(m, place, end_path(m, section_of_unit(m, root)), lanes)
    place += m[NODE_SIZE]
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        for number in range(m[giver + NEXT_LOT] - gifts(m, giver), m[giver + NEXT_LOT]):
            path = m[lot_of(m, m[giver + GIVEN_CHANNEL], number) + LOT_PATH]
            fill(m, place, path, lanes)
            place += m[NODE_SIZE]
    return path_to(m, table)


def first_gift(m: Memory) -> int:
    """Return the table index of the first lot of a giver without a pair."""
    place = (m[GIVER_RECORDS] - m[UNITS]) // m[UNIT_SIZE] + 1
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        place += queue_end(m, taker) - m[taker + POINTER]
    return place


def gifts(m: Memory, giver: int) -> int:
    """Return the number of lots that a giver without a pair gave in the followed iteration."""
    if m[giver + GIVES_PAIR]:
        return 0
    return m[giver + NEXT_LOT] - m[noted(m, m[FOLLOWED_NOTE], giver) + NEXT_LOT]


def repeat_path(m: Memory, table: int, place: int, iterations: int) -> int:
    """Return a path that repeats a path of a table `iterations` times; NONE: out of space."""
    node = add_node(m, REPEATED)
    if node == NONE:
        return NONE
    m[node + NODE_PLACE], m[node + NODE_ITERATIONS] = place, iterations
    fill(m, node + NODE_BEFORE, table, m[LANES])
    return path_to(m, node)


# --- the fast-forward -----------------------------------------------------------------------------


def fast_forward(m: Memory, root: int, iterations: int) -> bool:
    """Move the state some iterations ahead; False: out of space, see `STATUS`."""
    table = write_table(m, root)
    if table == NONE or not move_values(m, root, table, iterations):
        m[STATUS] = TOO_SMALL
        return False
    note = m[FOLLOWED_NOTE]
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        then = noted(m, note, giver)
        m[giver + GIVEN] += iterations * (m[giver + GIVEN] - m[then + GIVEN])
        m[giver + NEXT_LOT] += iterations * (m[giver + NEXT_LOT] - m[then + NEXT_LOT])
        m[giver + THERE] = lot_of(m, m[giver + GIVEN_CHANNEL], m[giver + NEXT_LOT])
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        take_more(m, taker, noted(m, note, taker), iterations)
    m[FAST_FORWARDS] += 1
    return True


def move_values(m: Memory, root: int, table: int, iterations: int) -> bool:
    """Move all times and all other counts of the units and the section."""
    note, place = m[FOLLOWED_NOTE], 0
    if not extend_queues(m, table, first_gift(m), iterations):
        return False
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        if m[unit + DONE] != m[noted(m, note, unit) + DONE]:
            if m[unit + ROWS] != NONE:
                repeat_starts(m, unit, iterations)
            size = m[unit + FRAMES] - unit + m[unit + DEPTH] * FRAME_SIZE
            move(m, unit, noted(m, note, unit), size, iterations)
            m[unit + UNIT_PATH] = repeat_path(m, table, place, iterations)
            if m[unit + UNIT_PATH] == NONE:
                return False
        place += 1
    lots = move_queues(m, table, place, iterations)
    if lots < 0:
        return False
    section = section_of_unit(m, root)
    move(m, section, noted_section(m, note), m[SECTION_SIZE], iterations)
    grow(m, section, iterations)
    path = repeat_path(m, table, place + lots, iterations)
    fill(m, end_path(m, section), path, m[LANES])
    return path != NONE


def repeat_starts(m: Memory, unit: int, iterations: int) -> None:
    """Note the starts of a unit's commands in the iterations to leave out."""
    ran = m[unit + DONE] - m[noted(m, m[FOLLOWED_NOTE], unit) + DONE]
    behind = m[unit + ROWS] + m[unit + DONE]
    for row in range(behind - ran, behind):
        slope = m[row + m[SLOPES]]
        for iteration in range(1, iterations + 1):
            m[row + iteration * ran] = m[row] + iteration * slope


def move(m: Memory, record: int, then: int, size: int, iterations: int) -> None:
    """Move every number of a record by `iterations` times its change since a note."""
    for field in range(size):
        m[record + field] += iterations * (m[record + field] - m[then + field])


def grow(m: Memory, section: int, iterations: int) -> None:
    """Add what waits grow by: once in the first iteration, twice in the second, and so on."""
    for field in range(m[SECTION_SIZE]):
        m[section + field] += m[m[GROWTH] + field] * (iterations * (iterations + 1) // 2)


def take_more(m: Memory, taker: int, then: int, iterations: int) -> None:
    """Move a taker; the tokens of the lots determine the pointer of a settled taker."""
    tokens = m[taker + TAKEN] - m[then + TAKEN]
    if tokens == 0:
        return
    m[taker + TAKEN] += iterations * tokens
    if m[taker + FLOW] != SETTLED:
        m[taker + POINTER] += iterations * (m[taker + POINTER] - m[then + POINTER])
        point(m, taker)
        return
    point(m, taker)
    while m[m[taker + HERE] + LOT] == m[taker + POINTER]:
        if m[m[taker + HERE] + BEHIND] > m[taker + TAKEN]:
            return
        m[taker + POINTER] += 1
        point(m, taker)


def move_queues(m: Memory, table: int, place: int, iterations: int) -> int:
    """Move the lots of paired takers; return their number; NEVER: out of space."""
    note, lots, size = m[FOLLOWED_NOTE], 0, m[LOT_SIZE]
    for taker in range(m[TAKER_RECORDS], m[TAKER_RECORDS_END], TAKER_SIZE):
        channel, first = m[taker + TAKEN_CHANNEL], m[taker + POINTER]
        length = queue_end(m, taker) - first
        for number in range(length):
            lot, spare = lot_of(m, channel, first + number), m[SPARE] + number * size
            copy(m, spare, lot, size)
            move(m, spare, noted_lot(m, note, taker, number), size, iterations)
            m[spare + LOT_PATH] = repeat_path(m, table, place + lots, iterations)
            if m[spare + LOT_PATH] == NONE:
                return NONE - 1
            lots += 1
        shift = iterations * (first - m[noted(m, note, taker) + POINTER])
        for number in range(length):
            lot, spare = lot_of(m, channel, first + shift + number), m[SPARE] + number * size
            copy(m, lot, spare, size)
    return lots


def extend_queues(m: Memory, table: int, place: int, iterations: int) -> bool:
    """Give the tokens that these iterations give but do not take; False: out of space.

    The function repeats the lots of the followed iteration, each moved by its slope.
    """
    for giver in range(m[GIVER_RECORDS], m[TAKER_RECORDS], GIVER_SIZE):
        lots, number, channel = gifts(m, giver), m[giver + NEXT_LOT], m[giver + GIVEN_CHANNEL]
        if lots == 0:
            continue
        for like in range(lots):
            lot = lot_of(m, channel, number - lots + like)
            copy(m, m[SPARE] + like * m[LOT_SIZE], lot, m[LOT_SIZE])
        begin = skip_refills(m, giver, iterations)
        if not has_space(m, channel, number + iterations * lots - 1):
            return False
        for iteration in range(begin, iterations + 1):
            if not give_again(m, giver, table, place, iteration):
                return False
        place += lots
    return True


def skip_refills(m: Memory, giver: int, iterations: int) -> int:
    """Return the first iteration whose gifts remain; point a refilled taker to the first gift."""
    taker = m[giver + REFILLED]
    if taker == NONE:
        return 1
    tokens = m[giver + GIVEN] - m[noted(m, m[FOLLOWED_NOTE], giver) + GIVEN]
    taken = iterations - (m[giver + GIVEN] - m[taker + TAKEN] + tokens - 1) // tokens
    if taken <= 0:
        return 1
    m[taker + POINTER] = m[giver + NEXT_LOT] + taken * gifts(m, giver)
    return taken + 1


def give_again(m: Memory, giver: int, table: int, place: int, iteration: int) -> bool:
    """Give the lots of the followed iteration, from `SPARE`, once more; False: out of space."""
    lots, channel = gifts(m, giver), m[giver + GIVEN_CHANNEL]
    tokens = m[giver + GIVEN] - m[noted(m, m[FOLLOWED_NOTE], giver) + GIVEN]
    for like in range(lots):
        number = m[giver + NEXT_LOT] + (iteration - 1) * lots + like
        lot, first = lot_of(m, channel, number), m[SPARE] + like * m[LOT_SIZE]
        m[lot + LOT], m[lot + BEHIND] = number, m[first + BEHIND] + iteration * tokens
        m[lot + LOT_PATH] = repeat_path(m, table, place + like, iteration)
        if m[lot + LOT_PATH] == NONE:
            return False
        give_later(m, lot, first, iteration)
    return True


def give_later(m: Memory, lot: int, first: int, iterations: int) -> None:
    """Let times and causes of a lot be those of another lot, some iterations later."""
    lanes = m[LANES]
    for time in range(first + TIME, first + TIME + lanes):
        to, cause = time - first + lot, m[time + CAUSE * lanes]
        m[to] = m[time] + iterations * m[time + lanes]
        m[to + CAUSE * lanes] = cause + iterations * run_by(m, cause)


def run_by(m: Memory, key: int) -> int:
    """Return the number of commands that a key's unit ran in the followed iteration."""
    if key < 0:
        return 0
    unit = m[m[RANKS] + (key >> KEY_BITS)]
    return m[unit + DONE] - m[noted(m, m[FOLLOWED_NOTE], unit) + DONE]
