"""Critical paths: for every value, the commands that led to its time, the last one first.

A path is a node and one bit: whether the value is the command's result, ready after its latency, or
the end of its time on the unit. A node names its command and the path to the command's start. At a
section's end the path to its last result is walked back to the section's floor, and its cycles are
counted by category; then the nodes are forgotten. So they take space for one section, and none for
turns that are left out: of those a node says only how often the path of the followed turn repeats.
"""

from simulator.compiling import Memory
from simulator.engine.layout import (
    ANCHOR,
    BUSY_CATEGORY,
    CYCLES,
    END,
    END_PATH,
    ENTRY_CATEGORY,
    FLOOR,
    LACKING,
    LATENCY,
    LATENCY_CATEGORY,
    NEVER,
    NODE_BASE,
    NODE_BEFORE,
    NODE_COMMAND,
    NODE_NEXT,
    NODE_PLACE,
    NODE_SIZE,
    NODE_TURNS,
    NODES,
    NODES_END,
    NONE,
    PENALTY,
    PENALTY_CATEGORY,
    TURN_VECTOR,
    VECTOR,
    WIDTH,
)  # fmt: skip
from simulator.engine.lots import copy

RESULT = 1
"""The bit of a path that leads to a result."""


def result_of(path: int) -> int:
    """Return the path to the result of the command whose end a path leads to."""
    return path | RESULT


def add_node(m: Memory, command: int, before: int) -> int:
    """Return the path to the end of a command; NONE: there is no space for it.

    Args:
        m: the memory.
        command: which runs, or ANCHOR or REPEATED.
        before: the path to its start.

    """
    node = m[NODE_NEXT]
    if node + NODE_SIZE > m[NODES_END]:
        m[LACKING] = NONE
        return NONE
    m[NODE_NEXT] = node + NODE_SIZE
    m[node + NODE_COMMAND], m[node + NODE_BEFORE] = command, before
    return (m[NODE_BASE] + node - m[NODES]) << 1


def node_of(m: Memory, path: int) -> int:
    """Return the last node of a path."""
    return (path >> 1) - m[NODE_BASE] + m[NODES]


def forget_paths(m: Memory) -> None:
    """Forget all nodes; no value that is there will be asked for its path."""
    m[NODE_BASE] += m[NODE_NEXT] - m[NODES]
    m[NODE_NEXT] = m[NODES]


def count_path(m: Memory, section: int) -> None:
    """Count the cycles of a section along the critical path to its last result, by category."""
    time, path = m[section + END], m[section + END_PATH]
    while time > m[section + FLOOR]:
        node = node_of(m, path)
        if m[node + NODE_COMMAND] >= 0:
            time = count_command(m, section, path, time)
            path = m[node + NODE_BEFORE]
        elif m[node + NODE_COMMAND] == ANCHOR:
            path = m[node + NODE_BEFORE]
        else:
            time, path = count_turns(m, section, node, time)


def count_command(m: Memory, section: int, path: int, time: int) -> int:
    """Count the cycles of a path's last command that lie behind the floor; return its start."""
    command, floor = m[node_of(m, path) + NODE_COMMAND], m[section + FLOOR]
    end = time - m[command + LATENCY] if path & RESULT else time
    start = end - m[command + CYCLES]
    busy = max(end - max(start, floor), 0)
    latent = time - max(end, floor)
    penalty = min(m[command + PENALTY], busy + latent)
    vector = section + VECTOR
    m[vector + m[command + PENALTY_CATEGORY]] += penalty
    latent -= max(penalty - busy, 0)
    busy = max(busy - penalty, 0)
    if m[command + ENTRY_CATEGORY] != NEVER and start == floor > 0:
        m[vector + m[command + ENTRY_CATEGORY]] += busy + latent
    else:
        m[vector + m[command + BUSY_CATEGORY]] += busy
        m[vector + m[command + LATENCY_CATEGORY]] += latent
    return start


def count_turns(m: Memory, section: int, node: int, time: int) -> tuple[int, int]:
    """Count the cycles of a path through repeated turns; return its time and path before them.

    In each turn the path comes from the values at the turn's end to those at its beginning. If it
    comes back to the same one, all turns that are left cost as much.
    """
    table, place, turns = m[node + NODE_BEFORE], m[node + NODE_PLACE], m[node + NODE_TURNS]
    vector, before, width, floor = section + VECTOR, m[TURN_VECTOR], m[WIDTH], m[section + FLOOR]
    while turns > 0 and time > floor:
        copy(m, before, vector, width)
        since, path = time, m[table + place]
        while time > floor and m[node_of(m, path) + NODE_COMMAND] != ANCHOR:
            time = count_command(m, section, path, time)
            path = m[node_of(m, path) + NODE_BEFORE]
        if time <= floor:
            break
        turns -= 1
        next_place = m[node_of(m, path) + NODE_PLACE]
        if next_place == place and since > time:
            often = min(turns, (time - floor - 1) // (since - time))
            for field in range(width):
                m[vector + field] += often * (m[vector + field] - m[before + field])
            time -= often * (since - time)
            turns -= often
        place = next_place
    return time, m[table + place]
