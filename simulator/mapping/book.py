"""Where a layer's loops are written: operations, and bodies made of operations and of bodies.

Equal operations are one, and what has been written once is found again by what sets it apart. All
of it can be compiled (`simulator.compiling`), so there are only numbers in one row, and room for a
given number of them: what does not fit is left out, and the book says that it is full.
"""

from functools import lru_cache
from typing import NamedTuple

from simulator.compiling import Memory
from simulator.loops import END, FIELDS, LOOP

KEY = FIELDS
"""Numbers in a row of a table."""
Key = tuple[int, int, int, int, int, int, int, int, int, int, int, int]
_LOOP = -1
"""First number of a loop's key; other keys begin with what `find_body` is told, from 0 on."""
PART = -1
"""`PART` - body stands for a body among operations."""


class Book(NamedTuple):
    """A layer's operations and bodies: where in memory what begins, and how much fits.

    A table is a count, a hash table, something that belongs to each row, and rows of `KEY` numbers,
    each kept once and numbered in the order in which they came.
    """

    size: int
    """Rows that fit a table, loops, and half of the bodies; a power of two."""
    full: int
    """Whether something did not fit."""
    ops: int
    """Table of operations."""
    known: int
    """Table of what sets a body or a loop apart; to it belongs the body's or loop's number."""
    bodies: int
    """How many there are."""
    begin: int
    """[bodies] where each begins in `code`,"""
    end: int
    """and where it ends."""
    code_used: int
    code: int
    """Bodies' instructions, as in `LayerLoops.what`, behind one another."""
    code_size: int
    loops: int
    """How many there are."""
    turns: int
    """[loops]"""
    waiting: int
    """Parts of bodies that are being made,"""
    pending: int
    """each an operation or `PART` - body,"""
    often: int
    """and how often each comes."""
    pending_size: int
    times: int
    """[ops] how often each operation happens, once all is written."""
    outside: int
    """[loops] room for `simulator.loops.count`."""
    layer: int
    """The layer's body."""
    behind: int
    """The first number behind the book."""


@lru_cache
def book_of(size: int) -> Book:
    """A book for `size` operations, a power of two, and as many bodies with a key.

    Memory begins with it.
    """
    table = 1 + (3 + KEY) * size
    full, ops, known, bodies = 0, 1, 1 + table, 1 + 2 * table
    code_used = bodies + 1 + 4 * size
    code_size, pending_size = 48 * size, 4 * size
    loops = code_used + 1 + code_size
    waiting = loops + 1 + size
    times = waiting + 1 + 2 * pending_size
    return Book(
        size=size,
        full=full,
        ops=ops,
        known=known,
        bodies=bodies,
        begin=bodies + 1,
        end=bodies + 1 + 2 * size,
        code_used=code_used,
        code=code_used + 1,
        code_size=code_size,
        loops=loops,
        turns=loops + 1,
        waiting=waiting,
        pending=waiting + 1,
        often=waiting + 1 + pending_size,
        pending_size=pending_size,
        times=times,
        outside=times + size,
        layer=times + 2 * size,
        behind=times + 2 * size + 1,
    )


def rows_of(book: Book, table: int) -> int:
    """Where a table's rows begin."""
    return table + 1 + 3 * book.size


def find(book: Book, memory: Memory, table: int, key: Key) -> int:
    """Return the number of the row like `key`; if there is none, of a new one."""
    slots, rows = table + 1, table + 1 + 3 * book.size
    slot = hash(key) & (2 * book.size - 1)
    while memory[slots + slot] > 0:
        number = memory[slots + slot] - 1
        at = rows + KEY * number
        place = 0
        while place < KEY and memory[at + place] == key[place]:
            place += 1
        if place == KEY:
            return number
        slot = (slot + 1) & (2 * book.size - 1)
    number = memory[table]
    if number == book.size:
        memory[book.full] = 1
        return 0
    memory[table] = number + 1
    memory[slots + slot] = number + 1
    memory[slots + 2 * book.size + number] = -1
    for place in range(KEY):
        memory[rows + KEY * number + place] = key[place]
    return number


def find_body(
    book: Book, memory: Memory, kind: int,
    a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int,
) -> int:  # fmt: skip
    """The row of a body that these numbers set apart, `kind` from 0 on."""
    return find(book, memory, book.known, (kind, a, b, c, d, e, f, g, h, i, 0, 0))


def made_of(book: Book, memory: Memory, row: int) -> int:
    """The body, or loop, that belongs to a row; -1: it is not made yet."""
    return memory[book.known + 1 + 2 * book.size + row]


def keep(book: Book, memory: Memory, row: int, number: int) -> int:
    """Let a body, or a loop, belong to a row; return it."""
    memory[book.known + 1 + 2 * book.size + row] = number
    return number


def push(book: Book, memory: Memory, part: int, often: int) -> None:
    """Add a part, `often` times, to the body that is being made."""
    at = memory[book.waiting]
    if at == book.pending_size:
        memory[book.full] = 1
        return
    memory[book.pending + at] = part
    memory[book.often + at] = often
    memory[book.waiting] = at + 1


def add(book: Book, memory: Memory, op: Key) -> None:
    """Add an operation, given as a row of `LayerLoops.ops`, to the body that is being made."""
    push(book, memory, find(book, memory, book.ops, op), 1)


def mark(book: Book, memory: Memory) -> int:
    """Begin a body; `close` it with what this returns."""
    return memory[book.waiting]


def close(book: Book, memory: Memory, begun: int) -> int:
    """Make a body of the parts since it was begun, equal ones as a loop; return its number."""
    pending, often = book.pending, book.often
    behind = begun
    for at in range(begun, memory[book.waiting]):
        part = memory[pending + at]
        if behind > begun and alike(book, memory, memory[pending + behind - 1], part):
            memory[often + behind - 1] += memory[often + at]
        else:
            memory[pending + behind], memory[often + behind] = part, memory[often + at]
            behind += 1
    memory[book.waiting] = begun
    part = memory[pending + begun]
    if behind == begun + 1 and part < 0 and memory[often + begun] == 1:
        return PART - part
    body = memory[book.bodies]
    if body == 2 * book.size:
        memory[book.full] = 1
        return 0
    memory[book.bodies] = body + 1
    memory[book.begin + body] = memory[book.code_used]
    for at in range(begun, behind):
        write(book, memory, memory[pending + at], memory[often + at])
    memory[book.end + body] = memory[book.code_used]
    return body


def close_or(book: Book, memory: Memory, begun: int, other: int) -> int:
    """`close`, but return another body, and take the new one back, if both are the same."""
    made = memory[book.bodies]
    body = close(book, memory, begun)
    if other < 0 or not alike(book, memory, PART - body, PART - other):
        return body
    if memory[book.bodies] > made:  # its loops are the other's, so they stay
        memory[book.bodies] = made
        memory[book.code_used] = memory[book.begin + made]
    return other


def alike(book: Book, memory: Memory, one: int, other: int) -> bool:
    """Whether two parts are the same instructions."""
    if one == other or one >= 0 or other >= 0:
        return one == other
    begin, also = memory[book.begin + PART - one], memory[book.begin + PART - other]
    size = memory[book.end + PART - one] - begin
    if memory[book.end + PART - other] - also != size:
        return False
    for place in range(book.code, book.code + size):
        if memory[begin + place] != memory[also + place]:
            return False
    return True


def write(book: Book, memory: Memory, part: int, often: int) -> None:
    """Write a part down, `often` times."""
    used, body = memory[book.code_used], PART - part
    size = often
    if part < 0:
        size = memory[book.end + body] - memory[book.begin + body] + 2
    if used + size > book.code_size:
        memory[book.full] = 1
        return
    at = book.code + used
    memory[book.code_used] = used + size
    if part >= 0:
        for place in range(at, at + often):
            memory[place] = part
        return
    if often == 1:
        memory[book.code_used] = used + size - 2
    else:
        memory[at] = LOOP - loop_of(book, memory, often, body)
        memory[at + size - 1] = END
        at += 1
    begin = book.code + memory[book.begin + body]
    for place in range(size - 2):
        memory[at + place] = memory[begin + place]


def loop_of(book: Book, memory: Memory, turns: int, body: int) -> int:
    """The number of a loop."""
    row = find(book, memory, book.known, (_LOOP, turns, body, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    loop = made_of(book, memory, row)
    if loop < 0:
        loop = keep(book, memory, row, memory[book.loops])
        memory[book.turns + loop] = turns
        memory[book.loops] = loop + 1
    return loop


PARTS = (find, find_body, made_of, keep, push, add, mark, alike, loop_of, write, close, close_or)
"""What can be compiled, the called before the calling."""
