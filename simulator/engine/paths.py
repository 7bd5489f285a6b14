"""Critical paths: for every value, the commands that determined its time, the last one first.

A path consists of a node and the time of the node's command that the value is. This time is the end
of the command's time on the unit, its result (after its latency), or its start. A node names its
command and, for each lane, the path to the command's start. A path is therefore the same number in
all lanes, although the earlier commands can differ between lanes. Lanes differ only in a choice
among several paths: at a start, and at the last result of a section.

At the end of a section, the walk follows the path from the section's last result back to its floor.
It counts the cycles on this path by category. Then it forgets the nodes; `live_paths.py` forgets
nodes while a long section runs. Nodes take no space for omitted iterations. For those iterations, a
node holds only how often the path of the followed iteration repeats.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    BUSY_CATEGORY,
    COUNTED,
    CYCLES,
    END,
    END_PATH,
    ENTRY_CATEGORY,
    FLOOR,
    ITERATION_VECTOR,
    LACKING,
    LANES,
    LATENCY_CATEGORY,
    LEFT,
    NEVER,
    NODE_BASE,
    NODE_BEFORE,
    NODE_COMMAND,
    NODE_ITERATIONS,
    NODE_NEXT,
    NODE_PLACE,
    NODE_SIZE,
    NODES,
    NODES_END,
    NONE,
    PENALTY,
    PENALTY_CATEGORY,
    PLACE,
    REPEATED,
    SINCE,
    TABLE,
    VECTOR,
    WALKED,
    WIDTH,
)

TO_RESULT = 1
"""The lowest bits of a path that leads to a result."""
TO_START = 2
"""The lowest bits of a path that leads to a start."""
NODE_SHIFT = 2


def add_node(m: Memory, command: int) -> int:
    """Return a new node; NONE: out of space.

    Args:
        m: the memory.
        command: the command, or ANCHOR, REPEATED or ENTRY.

    """
    node = m[NODE_NEXT]
    if node + m[NODE_SIZE] > m[NODES_END]:
        m[LACKING] = NONE
        return NONE
    m[NODE_NEXT] = node + m[NODE_SIZE]
    m[node + NODE_COMMAND] = command
    return node


def path_to(m: Memory, node: int) -> int:
    """Return the path to the end of a node's command."""
    return (m[NODE_BASE] + node - m[NODES]) << NODE_SHIFT


def node_of(m: Memory, path: int) -> int:
    """Return the last node of a path."""
    return (path >> NODE_SHIFT) - m[NODE_BASE] + m[NODES]


def forget_paths(m: Memory) -> None:
    """Forget all nodes; no later step asks for the path of a current value."""
    m[NODE_BASE] += m[NODE_NEXT] - m[NODES]
    m[NODE_NEXT] = m[NODES]


def count_path(m: Memory, section: int) -> None:
    """Count the cycles of a section along the critical path to its last result, by category.

    Paths lead from node to node, each with a lower address than the previous one. All lanes
    therefore walk together: the lane with the highest node moves first, and lanes with the same
    node take the same step.
    """
    lanes, times = m[LANES], m[WALKED]
    first, paths = section + FLOOR, times + lanes
    for lane in range(lanes):
        time = m[first + END * lanes + lane]
        m[times + lane] = time
        m[paths + lane] = m[first + END_PATH * lanes + lane] if time > m[first + lane] else NONE
        m[times + LEFT * lanes + lane] = 0
    path = highest(m, paths)
    while path != NONE:
        command = m[node_of(m, path) + NODE_COMMAND]
        if command >= 0:
            count_step(m, section, path)
        else:
            for lane in range(lanes):
                if m[paths + lane] == path:
                    if command == REPEATED:
                        enter_iterations(m, section, lane, path)
                    else:
                        pass_anchor(m, section, lane, path)
        path = highest(m, paths)


def highest(m: Memory, paths: int) -> int:
    """Return the highest path of all lanes."""
    path = NONE
    for place in range(paths, paths + m[LANES]):
        path = max(path, m[place])
    return path


def count_step(m: Memory, section: int, path: int) -> None:
    """Count a path's last command, and go to its start, in all lanes that have reached the path."""
    lanes, times, before = m[LANES], m[WALKED], node_of(m, path) + NODE_BEFORE
    floor, paths = section + FLOOR, times + lanes
    if not path & TO_START:
        count_command(m, section, path)
    for lane in range(lanes):
        here, later = m[paths + lane], m[before + lane]
        later = later if m[times + lane] > m[floor + lane] else NONE
        m[paths + lane] = later if here == path else here


def count_command(m: Memory, section: int, path: int) -> None:
    """Count the cycles of a path's last command after the floor."""
    lanes, command = m[LANES], m[node_of(m, path) + NODE_COMMAND]
    times, floors, cycles = m[WALKED], section + FLOOR, command + CYCLES
    most, result = m[command + PENALTY], path & TO_RESULT
    penalties = m[COUNTED]
    busies, latents = penalties + lanes, penalties + 2 * lanes
    for lane in range(lanes):
        time, floor = m[times + lane], m[floors + lane]
        end = time - result * m[cycles + lanes + lane]
        start = end - m[cycles + lane]
        here = m[times + lanes + lane] == path
        busy = max(end - max(start, floor), 0)
        latent = time - max(end, floor)
        penalty = min(most, busy + latent)
        m[penalties + lane] = penalty if here else 0
        m[busies + lane] = max(busy - penalty, 0) if here else 0
        m[latents + lane] = latent - max(penalty - busy, 0) if here else 0
        m[times + lane] = start if here else time
    if m[command + ENTRY_CATEGORY] != NEVER:
        count_entry(m, section, path)
    if most:
        add(m, section, m[command + PENALTY_CATEGORY], penalties)
    add(m, section, m[command + BUSY_CATEGORY], busies)
    if result:
        add(m, section, m[command + LATENCY_CATEGORY], latents)


def count_entry(m: Memory, section: int, path: int) -> None:
    """Count the cycles of a command as entry cycles if it begins with its section."""
    lanes, command, times = m[LANES], m[node_of(m, path) + NODE_COMMAND], m[WALKED]
    entry = section + FLOOR + (VECTOR + m[command + ENTRY_CATEGORY]) * lanes
    busies, latents = m[COUNTED] + lanes, m[COUNTED] + 2 * lanes
    for lane in range(lanes):
        floor = m[section + FLOOR + lane]
        if m[times + lanes + lane] == path and m[times + lane] == floor > 0:
            m[entry + lane] += m[busies + lane] + m[latents + lane]
            m[busies + lane] = m[latents + lane] = 0


def add(m: Memory, section: int, category: int, cycles: int) -> None:
    """Add cycles to the cycles of a category."""
    lanes = m[LANES]
    vector = section + FLOOR + (VECTOR + category) * lanes
    for lane in range(lanes):
        m[vector + lane] += m[cycles + lane]


# --- omitted iterations ---------------------------------------------------------------------------


def enter_iterations(m: Memory, section: int, lane: int, path: int) -> None:
    """Let a lane walk through repeated iterations.

    In each iteration the path leads from the values at the iteration's end to those at its
    beginning. If the path returns to the same value, all remaining iterations cost as much.
    """
    lanes, node = m[LANES], node_of(m, path)
    walked = m[WALKED] + lane
    m[walked + LEFT * lanes], m[walked + PLACE * lanes] = (
        m[node + NODE_ITERATIONS],
        m[node + NODE_PLACE],
    )
    m[walked + TABLE * lanes] = m[node + NODE_BEFORE + lane]
    enter_iteration(m, section, lane)


def enter_iteration(m: Memory, section: int, lane: int) -> None:
    """Let a lane walk through an iteration: note its cycles and its time up to here."""
    lanes, walked = m[LANES], m[WALKED] + lane
    counted, before = section + FLOOR + VECTOR * lanes + lane, m[ITERATION_VECTOR] + lane
    for field in range(0, m[WIDTH] * lanes, lanes):
        m[before + field] = m[counted + field]
    m[walked + SINCE * lanes] = m[walked]
    entry = node_of(m, m[walked + TABLE * lanes]) + m[walked + PLACE * lanes] * m[NODE_SIZE]
    m[walked + lanes] = m[entry + NODE_BEFORE + lane]


def pass_anchor(m: Memory, section: int, lane: int, path: int) -> None:
    """Let a lane continue its walk at the beginning of the followed iteration."""
    lanes, node = m[LANES], node_of(m, path)
    walked = m[WALKED] + lane
    if m[walked + LEFT * lanes] == 0:
        m[walked + lanes] = m[node + NODE_BEFORE + lane]
        return
    m[walked + LEFT * lanes] -= 1
    if m[node + NODE_PLACE] == m[walked + PLACE * lanes]:
        leave_out(m, section, lane)
    m[walked + PLACE * lanes] = m[node + NODE_PLACE]
    enter_iteration(m, section, lane)


def leave_out(m: Memory, section: int, lane: int) -> None:
    """Count the remaining iterations that are like the last one and above the section's floor."""
    lanes, walked = m[LANES], m[WALKED] + lane
    cycles = m[walked + SINCE * lanes] - m[walked]
    if cycles > 0:
        above = (m[walked] - m[section + FLOOR + lane] - 1) // cycles
        iterations = min(m[walked + LEFT * lanes], above)
        counted, before = section + FLOOR + VECTOR * lanes + lane, m[ITERATION_VECTOR] + lane
        for field in range(0, m[WIDTH] * lanes, lanes):
            m[counted + field] += iterations * (m[counted + field] - m[before + field])
        m[walked] -= iterations * cycles
        m[walked + LEFT * lanes] -= iterations
