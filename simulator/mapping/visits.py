"""Commands of a visit: one block of output channels at one pixel step, all groups.

A visit's sums stay in the line buffer from its first step to its drain.
"""

from simulator.compiling import Memory
from simulator.loops import wait_on
from simulator.mapping.book import PART, Book, add, close, find_body, keep, made_of, mark, push
from simulator.mapping.given import MAC, Given
from simulator.mapping.inputs import like_step, step_read_of
from simulator.mapping.steps import (
    DRAIN,
    DRAINED,
    ENDS_LAYER,
    LAYER,
    OPENS,
    STEP,
    WRITE_OUTPUTS,
    WRITTEN,
    step_of,
)

_VISIT = 2
"""What a body's key begins with."""


def visit_of(
    given: Given, book: Book, memory: Memory, block: int, pixels: int, pixel_step: int,
    read: int, age: int, place: int, hold: int, write: int, flags: int,
) -> int:  # fmt: skip
    """The body of a visit: all its commands in program order.

    Args:
        given: the layer.
        book: where it is written.
        memory: where both lie.
        block: of output channels.
        pixels: output pixels that it works on.
        pixel_step: whose inputs its steps read, one by one; -1: they do not.
        read: bytes that its first step reads; 0: everything is there.
        age: of the room that the read waits for.
        place: of its first load among the layer's; -1: its chunks are in the index buffer.
        hold: age of the written slot without which the drain of the visit before may be held up.
        write: bytes that go out with it, in whole bursts.
        flags: what else sets it apart, see `steps.py`.

    """
    like = like_step(given, memory, pixel_step) if pixel_step >= 0 else -1
    row = find_body(book, memory, _VISIT, block, pixels, like, read, age, place, hold, write, flags)
    made = made_of(book, memory, row)
    if made >= 0:
        return made
    begun = mark(book, memory)
    group = 0
    while group < given.groups:
        if pixel_step >= 0:
            read, age = step_read_of(given, memory, pixel_step, group), 1
        alike = _alike(given, memory, block, group) if place < 0 and pixel_step < 0 else 1
        step = step_of(given, book, memory, block, group, pixels, read, age, place, hold, flags)
        push(book, memory, step, alike)
        group += alike
        place += 1 if place >= 0 else 0
        read, hold = 0, 0  # of the first step alone
    push(book, memory, PART - close(book, memory, begun), 1)
    if given.mode != MAC:
        _drain(given, book, memory, block, flags)
    if write > 0:
        _write(given, book, memory, write, flags)
    return keep(book, memory, row, close(book, memory, begun))


def _alike(given: Given, memory: Memory, block: int, group: int) -> int:
    """How many groups from this one on, but for the last, have the same commands."""
    first, last = given.like_group + block * given.groups, given.groups - 1
    behind = group + 1
    while behind < last and memory[first + behind] == memory[first + group]:
        behind += 1
    return behind - group


def _drain(given: Given, book: Book, memory: Memory, block: int, flags: int) -> None:
    """Sums leave the line buffer, the first of a transfer once there is an output slot."""
    cycles, sums = memory[given.drains + block], wait_on(STEP, 1)
    slot = wait_on(WRITTEN, 2) if flags & OPENS else 0
    add(book, memory, (DRAIN, 0, cycles, 0, -1, 1 << DRAINED, sums, slot, 0, 0, 0, 0))


def _write(given: Given, book: Book, memory: Memory, size: int, flags: int) -> None:
    """A transfer's outputs go out."""
    posts = 1 << WRITTEN | (1 << LAYER if flags & ENDS_LAYER else 0)
    done = wait_on(STEP if given.mode == MAC else DRAINED, 1)
    add(book, memory, (WRITE_OUTPUTS, 0, 0, size, -1, posts, done, 0, 0, 0, 0, 0))


PARTS = (_alike, _drain, _write, visit_of)
"""What can be compiled, the called before the calling."""
