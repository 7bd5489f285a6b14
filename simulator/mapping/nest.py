"""A layer's loop nest.

    for row of output pixels: for block of output channels: for pixel step in row:
        for group of input channels: for pass over the subset

Rows, transfers and visits that do the same become loops.
"""

from simulator.compiling import Memory
from simulator.loops import count, wait_on
from simulator.mapping import alike, inputs, steps, transfers, visits, window
from simulator.mapping import book as books
from simulator.mapping.alike import plan_alike
from simulator.mapping.book import PART, Book, close, close_or, find_body, keep, made_of, mark, push
from simulator.mapping.given import BLOCK_PER_ROW, CHUNK_PER_STEP, LAYER_ONCE, MAC, Given
from simulator.mapping.inputs import (
    NOTHING_FITS,
    STEPS,
    bytes_of,
    in_bursts,
    like_row,
    plan_inputs,
    read_of,
)
from simulator.mapping.steps import (
    CLOSES,
    ENDS_LAYER,
    ENDS_ROW,
    FETCHES,
    FIRST,
    FREES,
    OPENS,
    RELEASES,
)
from simulator.mapping.transfers import (
    first_step,
    last_pixel,
    pieces_of_row,
    pixels_before,
    steps_of_piece,
    steps_of_row,
)
from simulator.mapping.visits import visit_of

_TRANSFER, _ROW = 3, 4
"""What a body's key begins with."""


def write_layer(given: Given, book: Book, memory: Memory) -> None:
    """Write a layer into the book, unless `NOTHING_FITS`.

    Args:
        given: the layer.
        book: an empty one.
        memory: where the layer's tables and the book lie.

    """
    plan_alike(given, memory)
    plan_inputs(given, memory)
    if memory[given.way] == NOTHING_FITS:
        return
    images = mark(book, memory)
    body, last_like, last_place, last_image = 0, -1, -1, -1
    for first in range(0, given.rows, given.rows_per_image):
        image = mark(book, memory)
        for row in range(first, first + given.rows_per_image):
            like, place = like_row(given, book, memory, row), _first_place(given, row)
            inside = 1 < row < given.rows - 1
            if not inside or like != last_like or place != last_place:
                body = _row_of(given, book, memory, row, like, place)
            push(book, memory, PART - body, 1)
            last_like, last_place = like, place
        last_image = close_or(book, memory, image, last_image)
        push(book, memory, PART - last_image, 1)
    body = close(book, memory, images)
    memory[book.layer] = body
    begin, end = book.code + memory[book.begin + body], book.code + memory[book.end + body]
    count(memory, begin, end, book.turns, book.times, book.outside)


def _row_of(given: Given, book: Book, memory: Memory, row: int, like: int, place: int) -> int:
    """The body of a row of output: all blocks."""
    first, last = int(row == 0), int(row == given.rows - 1)
    known = find_body(book, memory, _ROW, first, last, place, like, 0, 0, 0, 0, 0)
    made = made_of(book, memory, known)
    if made >= 0:
        return made
    begun, body = mark(book, memory), -1
    for block in range(given.blocks):
        body = _block_of(given, book, memory, row, block, place, body)
        push(book, memory, PART - body, 1)
    return keep(book, memory, known, close(book, memory, begun))


def _first_place(given: Given, row: int) -> int:
    """Place of a row's first load, -1 if there is none; more follow in order of time."""
    if given.loads == LAYER_ONCE:
        return 0 if row == 0 else -1
    if row >= given.full_rows:
        return given.distinct_rows * given.row_loads
    return min(row, given.distinct_rows - 1) * given.row_loads


def _block_of(
    given: Given, book: Book, memory: Memory, row: int, block: int, place: int, other: int
) -> int:
    """The body of one block of output channels along a row: its transfers; or `other`, if alike."""
    pieces = pieces_of_row(given, row)
    singly = _singly(given, memory)
    begun = mark(book, memory)
    part, last_read, last_age = 0, 0, 0
    for piece in range(pieces):
        read, age = 0, 0
        if memory[given.way] != STEPS:
            read, age = read_of(given, memory, row, piece, block)
        inside = 1 < piece < pieces - 1 and not singly
        if not inside or read != last_read or age != last_age:
            part = PART - _transfer_of(given, book, memory, row, block, piece, read, age, place)
        push(book, memory, part, 1)
        last_read, last_age = read, age
    return close_or(book, memory, begun, other)


def _loads_every_step(given: Given) -> bool:
    return given.loads == CHUNK_PER_STEP and given.groups > 1


def _singly(given: Given, memory: Memory) -> bool:
    """Visits have reads or loads of their own."""
    return memory[given.way] == STEPS or _loads_every_step(given)


def _transfer_of(
    given: Given, book: Book, memory: Memory, row: int, block: int, piece: int,
    read: int, age: int, place: int,
) -> int:  # fmt: skip
    """The body of one transfer: its visits."""
    starts, ends = piece == 0, piece == pieces_of_row(given, row) - 1
    last_row, last_block = row == given.rows - 1, block == given.blocks - 1
    fetches = starts and (given.blocks > 1 or row == 0)
    releases = ends and (given.blocks > 1 or last_row)
    frees = _frees(given, last_row, ends, fetches, releases)
    ends_row = ends and last_block
    flags = (
        FETCHES * int(fetches) + FREES * int(frees) + RELEASES * int(releases)
        + FIRST * int(starts and row == 0 and block == 0) + ENDS_ROW * int(ends_row)
        + ENDS_LAYER * int(ends_row and last_row)
    )  # fmt: skip
    load = -1
    if _loads_every_step(given):
        step = block * steps_of_row(given, row) + piece * given.per_transfer
        load = place + step * given.groups
    elif place >= 0 and starts and (given.groups > 1 or fetches):
        load = place + block * given.groups
    hold = 3 if _follows_a_single_step(given, row, block, piece) else 0
    step = first_step(given, row, piece)
    pixels = last_pixel(given, row, piece) + 1 - pixels_before(given, step)
    block = memory[given.like_block + block]
    return _visits_of(given, book, memory, block, step, pixels, read, age, load, hold, flags)


def _frees(given: Given, last_row: bool, ends: bool, fetches: bool, releases: bool) -> bool:
    """Whether a transfer's chunks are not read from the index buffer again.

    With one group the chunk is read once for many visits, in the transfer that fetches it, or, on
    the MAC unit, by all of them.
    """
    if given.groups == 1:
        single = releases if given.mode == MAC else fetches
        return single and (given.loads != LAYER_ONCE or given.blocks == 1 or last_row)
    return ends and (given.loads == BLOCK_PER_ROW or last_row)


def _follows_a_single_step(given: Given, row: int, block: int, piece: int) -> bool:
    """Whether the transfer before is a single visit, so that an output slot may hold its drain."""
    if piece > 0:
        return steps_of_piece(given, row, piece - 1) == 1
    if block == 0:
        row -= 1
    return row >= 0 and steps_of_piece(given, row, pieces_of_row(given, row) - 1) == 1


def _visits_of(
    given: Given, book: Book, memory: Memory, block: int, first: int, pixels: int,
    read: int, age: int, place: int, hold: int, flags: int,
) -> int:  # fmt: skip
    """The body of a transfer: its first, second and last visit, and those between, all alike.

    Where visits have reads or loads of their own, each stands for itself, and so does the transfer.
    """
    singly = _singly(given, memory)
    own = first if singly else -1
    row = find_body(book, memory, _TRANSFER, block, pixels, own, read, age, place, hold, flags, 0)
    made = made_of(book, memory, row)
    if made >= 0:
        return made
    begun = mark(book, memory)
    steps = -(-pixels // given.per_step)
    inside = 0
    while inside < steps:
        often = steps - 3 if inside == 2 and steps > 4 and not singly else 1
        visit = _visit_in(
            given, book, memory, block, first, inside, pixels, read, age, place, hold, flags
        )
        push(book, memory, PART - visit, often)
        inside += often
    return keep(book, memory, row, close(book, memory, begun))


def _visit_in(
    given: Given, book: Book, memory: Memory, block: int, first: int, inside: int, pixels: int,
    read: int, age: int, place: int, hold: int, transfer: int,
) -> int:  # fmt: skip
    """The body of the visit `inside` a transfer, which `transfer` sets apart as its flags."""
    left = pixels - inside * given.per_step
    opens, closes = inside == 0, left <= given.per_step
    flags = OPENS * int(opens) + CLOSES * int(closes) + FETCHES * int(given.groups > 1)
    if opens:
        flags |= transfer & (FETCHES | FIRST)
    else:
        read, age, hold = 0, 0, 2 if inside == 1 else 0
    if closes:
        flags |= transfer & (RELEASES | ENDS_ROW | ENDS_LAYER)
    if _loads_every_step(given):
        flags |= FREES
        place += inside * given.groups
    else:
        frees_first = given.groups == 1 and given.mode != MAC
        if opens if frees_first else closes:
            flags |= transfer & FREES
        place = place if opens else -1
    write = 0
    if closes:
        write = in_bursts(given, bytes_of(given, pixels * memory[given.outputs + block]))
    step, now = first + inside if memory[given.way] == STEPS else -1, min(given.per_step, left)
    return visit_of(given, book, memory, block, now, step, read, age, place, hold, write, flags)


PARTS = (
    count, wait_on, *transfers.PARTS, *window.PARTS, *books.PARTS, *alike.PARTS, *inputs.PARTS,
    *steps.PARTS, *visits.PARTS, _first_place, _loads_every_step, _singly, _frees,
    _follows_a_single_step, _visit_in, _visits_of, _transfer_of, _block_of, _row_of,
)  # fmt: skip
"""What `write_layer` calls, the called before the calling."""
