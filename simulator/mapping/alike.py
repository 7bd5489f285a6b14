"""Which blocks of output channels, and which groups of input channels, have the same commands."""

from simulator.compiling import Memory
from simulator.mapping.given import TABLE, Given


def plan_alike(given: Given, memory: Memory) -> None:
    """Write down the first block, and the first of neighbouring groups, of those alike.

    Sums begin with group 0, which is like no other.
    """
    for block in range(given.blocks):
        first = 0
        while not _blocks_alike(given, memory, first, block):
            first += 1
        memory[given.like_block + block] = first
        like = 0
        for group in range(given.groups):
            if group < 2 or not _groups_alike(given, memory, block, group):
                like = group
            memory[given.like_group + block * given.groups + group] = like


def _blocks_alike(given: Given, memory: Memory, one: int, other: int) -> bool:
    if memory[given.outputs + one] != memory[given.outputs + other]:
        return False
    if one == other:
        return True
    for group in range(given.groups):
        if not _equal(given, memory, one * given.groups + group, other * given.groups + group):
            return False
    return True


def _groups_alike(given: Given, memory: Memory, block: int, group: int) -> bool:
    """Whether a group is like the one before."""
    chunk = block * given.groups + group
    if memory[given.units + group] != memory[given.units + group - 1]:
        return False
    return _equal(given, memory, chunk, chunk - 1)


def _equal(given: Given, memory: Memory, one: int, other: int) -> bool:
    """Whether two chunks are as long, and have the same accumulates."""
    if memory[given.chunk_bytes + one] != memory[given.chunk_bytes + other]:
        return False
    begin, also = given.accumulates + one * given.passes, given.accumulates + other * given.passes
    for number in range(given.passes if given.mode == TABLE else 0):
        if memory[begin + number] != memory[also + number]:
            return False
    return True


PARTS = (_equal, _blocks_alike, _groups_alike, plan_alike)
"""What can be compiled, the called before the calling."""
