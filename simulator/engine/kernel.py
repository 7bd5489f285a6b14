"""The inner loop of the fast engine: runs the units' programs in whatever order tokens allow.

A unit paces each section. That unit runs its part. If it lacks a token, the giver of the token runs
until the token is available, and no further. Then every other unit runs the rest of its part.
Counts alone determine this order. The order is therefore the same in every iteration of a loop, and
`repeats.py` can leave out iterations that repeat.

Plain Python over one row of integers, interpreted or compiled (`simulator.engine.compiling`).
"""

from simulator.engine.commands import find_start, run_command
from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    AHEAD,
    AT,
    BEGIN,
    BODY,
    BODY_END,
    CALL_SIZE,
    CALLED,
    COMMAND,
    DEPTH,
    END,
    ENDS,
    ENDS_SIZE,
    FAST_FORWARDING,
    FIRST_GIVEN,
    FIRST_LOT,
    FIRST_TAKEN,
    FLOOR,
    FRAME_SIZE,
    FRAMES,
    GIVEN,
    GIVEN_CHANNEL,
    GIVER_RECORDS,
    GIVER_SIZE,
    GIVERS,
    GIVERS_END,
    GIVING,
    GIVING_UNIT,
    HANDOFF,
    HERE,
    INSTRUCTION_SIZE,
    ITERATION,
    ITERATIONS,
    KNOWN,
    LACKED,
    LACKING,
    LACKS_CHANNEL,
    LACKS_LOT,
    LANES,
    LOOP,
    LOOP_SIZE,
    LOT,
    NEXT_LOT,
    NODE_NEXT,
    NODES_FULL,
    NOWHERE,
    OPEN,
    OPERAND,
    PACE,
    POINTER,
    SECTION,
    SECTION_SIZE,
    SECTIONS,
    SECTIONS_END,
    SHARE,
    SHARE_SIZE,
    SOMEWHERE,
    STACK,
    STACK_TOP,
    STATUS,
    STOP,
    TAKEN,
    TAKEN_CHANNEL,
    TAKER_SIZE,
    TAKERS,
    TAKERS_END,
    TAKING,
    THERE,
    UNIT_NUMBER,
    UNIT_SIZE,
    UNITS,
    VECTOR,
    WAITING,
    WIDTH,
    Status,
)
from simulator.engine.live_paths import forget_unused_nodes
from simulator.engine.lots import lot_of, needed_from, section_of
from simulator.engine.paths import count_path, forget_paths
from simulator.engine.repeats import end_of_iteration, forget_iterations

DEADLOCK, TOO_SMALL = int(Status.DEADLOCK), int(Status.TOO_SMALL)


def run_sections(m: Memory, first: int, behind: int) -> None:
    """Run the sections from `first` up to, not including, `behind`; see `STATUS`."""
    if first == 0:
        for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
            enter(m, unit, 0)
    for number in range(first, behind):
        section = m[SECTIONS] + number * m[SECTION_SIZE]
        if not run_unit(m, m[section + PACE], number):
            return
        for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
            if not run_unit(m, unit, number):
                return
        end_section(m, section)


def end_section(m: Memory, section: int) -> None:
    """Count a section's cycles along its critical path; the next section begins at its end."""
    if m[KNOWN]:  # units may be ahead, and so may paths
        if section + m[SECTION_SIZE] == m[SECTIONS_END]:
            for one in range(m[SECTIONS], m[SECTIONS_END], m[SECTION_SIZE]):
                count_path(m, one)
        return
    if not m[AHEAD]:
        count_path(m, section)
        forget_paths(m)
    behind = section + m[SECTION_SIZE]
    if behind < m[SECTIONS_END]:
        end = section + FLOOR + END * m[LANES]
        for lane in range(m[LANES]):
            m[behind + FLOOR + lane] = max(m[section + FLOOR + lane], m[end + lane])


def run_unit(m: Memory, root: int, section: int) -> bool:
    """Run a unit's part of a section, and other units as far as it needs; False: see `STATUS`."""
    if m[root + SECTION] > section:
        return True
    m[STACK_TOP], m[m[STACK] + CALLED] = m[STACK], root
    while True:
        unit = m[m[STACK_TOP] + CALLED]
        at = m[unit + AT]
        if at == m[unit + STOP]:
            if unit == root and m[unit + SECTION] == section:
                return True
            leave(m, unit)
            enter(m, unit, m[unit + SECTION] + 1)
            if m[unit + SECTION] > section:
                m[AHEAD] = 1
        elif m[at] == COMMAND:
            if not step(m, unit, m[at + OPERAND]):
                return False
        elif m[at] == LOOP:
            open_loop(m, unit, at, unit == root)
        else:
            close_iteration(m, unit, at)
            if unit == root and m[FAST_FORWARDING] and not end_of_iteration(m, unit, at):
                return False


def step(m: Memory, unit: int, command: int) -> bool:
    """Run a unit's next command, or run the giver of the token that it lacks; then go back."""
    if m[NODE_NEXT] > m[NODES_FULL] and not forget_unused_nodes(m):
        m[STATUS] = TOO_SMALL
        return False
    if not find_start(m, unit, command):
        if not call(m):
            m[STATUS] = DEADLOCK
            return False
        return True
    if not run_command(m, unit, command):
        m[STATUS] = TOO_SMALL
        return False
    m[unit + AT] += INSTRUCTION_SIZE
    if m[STACK_TOP] > m[STACK] and answered(m, m[STACK_TOP] - CALL_SIZE):
        m[STACK_TOP] -= CALL_SIZE
        m[m[m[STACK_TOP] + CALLED] + WAITING] = 0
    return True


def call(m: Memory) -> bool:
    """Run the unit that gives the lot that the last unit lacks; return False if it cannot run.

    A giver that itself waits cannot run: the waiting units wait in a circle, which begins at
    `STACK`.
    """
    top = m[STACK_TOP]
    waiting = m[top + CALLED]
    ends = section_of(m, m[LACKING], m[LACKED], m[waiting + SECTION])
    unit = m[m[ends + GIVING] + GIVING_UNIT]
    m[top + LACKS_CHANNEL], m[top + LACKS_LOT] = m[LACKING], m[LACKED]
    m[waiting + WAITING] = 1
    if m[unit + WAITING]:
        while m[m[STACK] + CALLED] != unit:
            m[STACK] += CALL_SIZE
        return False
    m[STACK_TOP] = top + CALL_SIZE
    m[top + CALL_SIZE + CALLED] = unit
    return True


def answered(m: Memory, call: int) -> bool:
    """True if the lot that a waiting unit lacks is available."""
    number = m[call + LACKS_LOT]
    return m[lot_of(m, m[call + LACKS_CHANNEL], number) + LOT] == number


def open_loop(m: Memory, unit: int, at: int, watched: bool) -> None:
    """Let a unit begin a loop."""
    frame = m[unit + FRAMES] + m[unit + DEPTH] * FRAME_SIZE
    m[unit + DEPTH] += 1
    m[unit + AT] = m[frame + BEGIN] = at + LOOP_SIZE
    m[frame + ITERATION], m[frame + ITERATIONS] = 0, m[at + OPERAND]
    if watched:
        forget_iterations(m, m[unit + DEPTH])


def close_iteration(m: Memory, unit: int, at: int) -> None:
    """Let a unit end an iteration of its innermost loop."""
    frame = m[unit + FRAMES] + (m[unit + DEPTH] - 1) * FRAME_SIZE
    m[frame + ITERATION] += 1
    if m[frame + ITERATION] < m[frame + ITERATIONS]:
        m[unit + AT] = m[frame + BEGIN]
    else:
        m[unit + AT] = at + INSTRUCTION_SIZE
        m[unit + DEPTH] -= 1


def enter(m: Memory, unit: int, number: int) -> None:
    """Let a unit begin its part of a section."""
    section = m[SECTIONS] + number * m[SECTION_SIZE]
    shares = section + FLOOR + (VECTOR + m[WIDTH]) * m[LANES]
    share = shares + m[unit + UNIT_NUMBER] * m[SHARE_SIZE]
    m[unit + SECTION], m[unit + SHARE] = number, share
    m[unit + AT], m[unit + STOP] = m[share + BODY], m[share + BODY_END]
    for taker in range(m[unit + TAKERS], m[unit + TAKERS_END], TAKER_SIZE):
        channel = m[taker + TAKEN_CHANNEL]
        ends = m[channel + ENDS] + number * ENDS_SIZE
        if m[ends + TAKING] == taker:
            m[taker + TAKEN] = m[ends + FIRST_TAKEN]
            m[taker + POINTER], m[taker + HERE] = SOMEWHERE, m[NOWHERE]
    for giver in range(m[unit + GIVERS], m[unit + GIVERS_END], GIVER_SIZE):
        ends = m[m[giver + GIVEN_CHANNEL] + ENDS] + number * ENDS_SIZE
        if m[ends + GIVING] == giver:
            m[giver + GIVEN], m[giver + NEXT_LOT] = m[ends + FIRST_GIVEN], m[ends + FIRST_LOT]
            m[giver + THERE] = lot_of(m, m[giver + GIVEN_CHANNEL], m[giver + NEXT_LOT])


def leave(m: Memory, unit: int) -> None:
    """Let a unit end its part of a section: note the lot at which it was done."""
    number = m[unit + SECTION]
    for taker in range(m[unit + TAKERS], m[unit + TAKERS_END], TAKER_SIZE):
        channel = m[taker + TAKEN_CHANNEL]
        ends = m[channel + ENDS] + number * ENDS_SIZE
        if m[ends + TAKING] == taker:
            needed_from(m, channel)
            if m[channel + OPEN] == number:
                m[channel + HANDOFF] = m[taker + POINTER]
