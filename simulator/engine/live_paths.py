"""Forgets nodes of critical paths to which no value leads any more, while a section runs.

A program of one section, such as a pipeline, would otherwise keep a node for every command that it
runs. The values are the units' times, the lots in the rings, and the results of the sections. A
node refers only to nodes before it. One pass from the last node to the first therefore finds all
nodes that a value needs, and one pass back moves them together.
"""

from simulator.engine.compiling import Memory
from simulator.engine.layout import (
    END_PATH,
    ENTRY,
    FLOOR,
    FORWARD,
    GIVER_RECORDS,
    LACKING,
    LANES,
    LOT_PATH,
    LOT_SIZE,
    NODE_BASE,
    NODE_BEFORE,
    NODE_COMMAND,
    NODE_NEXT,
    NODE_PLACE,
    NODE_SIZE,
    NODES,
    NODES_END,
    NONE,
    RINGS,
    SECTION_SIZE,
    SECTIONS,
    SECTIONS_END,
    SPARE,
    UNIT_PATH,
    UNIT_SIZE,
    UNITS,
)
from simulator.engine.lots import copy, fill
from simulator.engine.paths import NODE_SHIFT, node_of, path_to


def forget_unused_nodes(m: Memory) -> bool:
    """Forget the nodes that no value needs; False: most of the space remains in use."""
    fill(m, m[FORWARD], NONE, number_of(m, m[NODE_NEXT]))
    visit_values(m, False)
    mark_nodes(m)
    move_nodes(m)
    visit_values(m, True)
    m[LACKING] = NONE
    return 2 * (m[NODE_NEXT] - m[NODES]) < m[NODES_END] - m[NODES]


def number_of(m: Memory, node: int) -> int:
    """Return the number of nodes before a node."""
    return (node - m[NODES]) // m[NODE_SIZE]


def visit_values(m: Memory, moved: bool) -> None:
    """Mark the last nodes of all values' paths, or let the paths lead to the moved nodes."""
    for unit in range(m[UNITS], m[GIVER_RECORDS], m[UNIT_SIZE]):
        visit(m, unit + UNIT_PATH, moved)
    for lot in range(m[RINGS], m[SPARE], m[LOT_SIZE]):
        visit(m, lot + LOT_PATH, moved)
    for section in range(m[SECTIONS], m[SECTIONS_END], m[SECTION_SIZE]):
        paths = section + FLOOR + END_PATH * m[LANES]
        for place in range(paths, paths + m[LANES]):
            visit(m, place, moved)


def visit(m: Memory, place: int, moved: bool) -> None:
    """Mark the last node of the path that a field holds, or let it lead to the moved node."""
    path = m[place]
    if path >> NODE_SHIFT < m[NODE_BASE]:  # no path, or the path of an earlier section
        return
    forward = m[FORWARD] + number_of(m, node_of(m, path))
    if moved:
        m[place] = m[forward] | path & ((1 << NODE_SHIFT) - 1)
    else:
        m[forward] = 1


def mark_nodes(m: Memory) -> None:
    """Mark every node to which a marked node leads; a table's first entry marks all of it."""
    size = m[NODE_SIZE]
    for node in range(m[NODE_NEXT] - size, m[NODES] - size, -size):
        forward = m[FORWARD] + number_of(m, node)
        if m[node + NODE_COMMAND] == ENTRY:
            m[forward] = m[forward - m[node + NODE_PLACE]]
        if m[forward]:
            for lane in range(m[LANES]):
                visit(m, node + NODE_BEFORE + lane, False)


def move_nodes(m: Memory) -> None:
    """Move the marked nodes together; their marks become the paths to their new places."""
    size, to = m[NODE_SIZE], m[NODES]
    for node in range(m[NODES], m[NODE_NEXT], size):
        forward = m[FORWARD] + number_of(m, node)
        if m[forward]:
            for lane in range(m[LANES]):
                visit(m, node + NODE_BEFORE + lane, True)
            copy(m, to, node, size)
            m[forward] = path_to(m, to)
            to += size
    m[NODE_NEXT] = to
