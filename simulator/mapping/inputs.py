"""Which input bytes each DMA transfer brings into the activation buffer, and when there is room.

Four ways, from the most reuse to the least; the first that fits is taken:

- `rows`: every input row is read once, a convolution's groups one by one; the rows under the
  current row of output and what the next row adds are held.
- `double`, `single`: every transfer brings the whole patch under its pixels, for every block of
  output channels anew; two patches are held, or one.
- `step`: every step brings the patch of its own pixels and channels; one is held.
"""

from typing import get_args

from simulator.compiling import Memory
from simulator.machines.lut_array.plan import InputReuse
from simulator.mapping.book import Book, find_body
from simulator.mapping.commands import Signal
from simulator.mapping.given import Given
from simulator.mapping.transfers import (
    first_step,
    last_pixel,
    pieces_of_row,
    pixels_before,
    steps_of_row,
)
from simulator.mapping.window import covered, done, fresh, patch, plan_window

WAYS: tuple[InputReuse, ...] = get_args(InputReuse)
ROWS, DOUBLE, SINGLE, STEPS = range(4)
"""`WAYS` by number."""
NOTHING_FITS = -1
_READS = 5
"""What a key of reads begins with."""
_ROW, _TRANSFER, _STEP = int(Signal.ROW), int(Signal.TRANSFER), int(Signal.STEP)


def plan_inputs(given: Given, memory: Memory) -> None:
    """Choose how a layer's inputs are held; `NOTHING_FITS`: not even one step's input fits."""
    plan_window(given, memory)
    memory[given.way] = ROWS
    if _rows_fit(given, memory):
        return
    first, behind = 0, given.rows
    if given.aligned:
        first = _tallest(given, memory)
        behind = first + 1
    largest = 0
    for row in range(first, behind):
        for piece in range(pieces_of_row(given, row)):
            largest = max(largest, _patch_bytes(given, memory, row, piece))
    if largest <= given.buffer_room:
        memory[given.way] = DOUBLE if 2 * largest <= given.buffer_room else SINGLE
        return
    largest, channels = 0, 0
    for group in range(given.groups):
        channels = max(channels, memory[given.units + group] * given.unit_channels)
    for step in range(first * given.per_row, min(behind * given.per_row, given.pixel_steps)):
        pixels = _under_step(given, memory, step)
        largest = max(largest, bytes_of(given, pixels * channels))
    memory[given.way] = STEPS if largest <= given.buffer_room else NOTHING_FITS
    memory[given.largest] = largest


def _tallest(given: Given, memory: Memory) -> int:
    """A row of output with as many input rows under it as any other."""
    tallest = 0
    for row in range(given.out_height):
        if (
            memory[given.bottom + row] - memory[given.top + row]
            > memory[given.bottom + tallest] - memory[given.top + tallest]
        ):
            tallest = row
    return tallest


def bytes_of(given: Given, values: int) -> int:
    """Bytes of activations."""
    return -(-values * given.value_bits // 8)


def in_bursts(given: Given, size: int) -> int:
    """Bytes in whole bursts of the DRAM."""
    return -(-size // given.burst) * given.burst


def _conv_groups(given: Given) -> int:
    return given.blocks // given.conv_blocks


def room_signal(given: Given, memory: Memory) -> int:
    """What must be done before there is room for a read."""
    way = memory[given.way]
    return _ROW if way == ROWS else _STEP if way == STEPS else _TRANSFER


# --- the way `rows` ------------------------------------------------------------------------------


def _rows_fit(given: Given, memory: Memory) -> bool:
    """Whether a row's window and the next row fit; notes how many rows of output must be done."""
    rows_done = 0
    for row in range(given.rows):
        first = first_step(given, row, 0)
        pixel = pixels_before(given, first)
        memory[given.freed + row] = bytes_of(given, done(given, memory, pixel) * given.in_channels)
        pixels = pixels_before(given, first + steps_of_row(given, row))
        upto = bytes_of(given, covered(given, memory, pixels) * given.in_channels)
        # Only rows before this one count, and those have been noted.
        while rows_done < row and memory[given.freed + rows_done] < upto - given.buffer_room:
            rows_done += 1
        if rows_done > max(row - 1, 0) or (
            rows_done == row and memory[given.freed + row] < upto - given.buffer_room
        ):
            return False
        memory[given.rows_done + row] = rows_done
    return True


def _row_bytes(given: Given, last: int, upto: int, group: int) -> int:
    """Bytes of a read that takes what is covered from `last` to `upto` input pixels.

    A group of the convolution reads those of its transfer's bursts that no group before has read.
    """
    groups = _conv_groups(given)
    new = bytes_of(given, upto * given.in_channels) - bytes_of(given, last * given.in_channels)
    before = in_bursts(given, -(-new * group // groups))
    return in_bursts(given, -(-new * (group + 1) // groups)) - before


def _row_age(
    given: Given, memory: Memory, row: int, before: int, upto: int, row_end: int, group: int
) -> int:
    """How many rows of output ago the room for a read was made; 0: it is there anyway.

    In order of time come rows before, groups before in this row, transfers before in this group.
    """
    channels = given.in_channels // _conv_groups(given)
    values = before * given.in_channels + (upto - before + (row_end - before) * group) * channels
    full = bytes_of(given, values) - given.buffer_room
    rows_done = memory[given.rows_done + row - 1] if row > 0 else 0
    while memory[given.freed + rows_done] < full:
        rows_done += 1
    return row - rows_done + 1 if rows_done > 0 else 0


def _before_row(given: Given, memory: Memory, row: int) -> int:
    """Input pixels covered before a row of output."""
    return covered(given, memory, pixels_before(given, first_step(given, row, 0)))


def _upto(given: Given, memory: Memory, row: int, piece: int) -> int:
    """Input pixels covered when a transfer of a row has been read, and none behind it."""
    if piece < 0:
        return _before_row(given, memory, row)
    return covered(given, memory, last_pixel(given, row, piece) + 1)


# --- patches -------------------------------------------------------------------------------------


def _patch_bytes(given: Given, memory: Memory, row: int, piece: int) -> int:
    first = pixels_before(given, first_step(given, row, piece))
    pixels = patch(given, memory, first, last_pixel(given, row, piece))
    return bytes_of(given, pixels * (given.in_channels // _conv_groups(given)))


def _under_step(given: Given, memory: Memory, step: int) -> int:
    """Input pixels under a pixel step."""
    first, behind = pixels_before(given, step), pixels_before(given, step + 1)
    return patch(given, memory, first, behind - 1)


# --- what the nest asks for ----------------------------------------------------------------------


def read_of(given: Given, memory: Memory, row: int, piece: int, block: int) -> tuple[int, int]:
    """Bytes of the read that a transfer begins with, 0 if everything is there, and the room's age.

    In the way `rows` only a convolution group's first block reads; others find the rows there.
    """
    if memory[given.way] != ROWS:
        size = in_bursts(given, _patch_bytes(given, memory, row, piece))
        return size, 2 if memory[given.way] == DOUBLE else 1
    group = block // given.conv_blocks
    if group * given.conv_blocks != block:
        return 0, 0
    before, row_end = _before_row(given, memory, row), _before_row(given, memory, row + 1)
    last, upto = _upto(given, memory, row, piece - 1), _upto(given, memory, row, piece)
    size = _row_bytes(given, last, upto, group)
    return size, _row_age(given, memory, row, before, upto, row_end, group)


def step_read_of(given: Given, memory: Memory, step: int, group: int) -> int:
    """Bytes that one step reads, where steps read their own."""
    channels = memory[given.units + group] * given.unit_channels
    return in_bursts(given, bytes_of(given, _under_step(given, memory, step) * channels))


def like_step(given: Given, memory: Memory, step: int) -> int:
    """What decides all that a pixel step reads, where steps read their own."""
    return _under_step(given, memory, step)


def like_row(given: Given, book: Book, memory: Memory, row: int) -> int:
    """A number that rows have in common if they read the same."""
    way = memory[given.way]
    if given.aligned:
        return _like_aligned(given, book, memory, row)
    like = -1
    if way == STEPS:
        for step in range(row * given.per_row, row * given.per_row + steps_of_row(given, row)):
            pixels = like_step(given, memory, step)
            like = find_body(book, memory, _READS, like, pixels, 0, 0, 0, 0, 0, 0, 0)
        return like
    before, row_end = _before_row(given, memory, row), _before_row(given, memory, row + 1)
    last = before
    for piece in range(pieces_of_row(given, row)):
        if way == ROWS:
            upto = _upto(given, memory, row, piece)
            for group in range(_conv_groups(given)):
                size = _row_bytes(given, last, upto, group)
                age = _row_age(given, memory, row, before, upto, row_end, group)
                like = find_body(book, memory, _READS, like, size, age, 0, 0, 0, 0, 0, 0)
            last = upto
        else:
            size = _patch_bytes(given, memory, row, piece)
            like = find_body(book, memory, _READS, like, size, 0, 0, 0, 0, 0, 0, 0)
    return like


def _like_aligned(given: Given, book: Book, memory: Memory, row: int) -> int:
    """`like_row` of a row of pixel steps that is a row of output.

    How many input rows lie under it, or are new, and where in a byte it begins, decides what it
    reads; how far its begin lies from where each row of output is done decides the ages.
    """
    line = row % given.out_height
    if memory[given.way] != ROWS:
        held = memory[given.bottom + line] - memory[given.top + line]
        return find_body(book, memory, _READS, -2, held, 0, 0, 0, 0, 0, 0, 0)
    new = fresh(given, memory, line)
    phase = 0
    if given.in_channels * given.value_bits % 8 > 0:
        phase = _before_row(given, memory, row) * given.in_channels * given.value_bits % 8
    least = memory[given.rows_done + row - 1] if row > 0 else 0
    most = memory[given.rows_done + row]
    if least == most:
        age = row - most + 1 if most > 0 else 0
        return find_body(book, memory, _READS, -3, new, phase, age, 0, 0, 0, 0, 0)
    values = _before_row(given, memory, row) * given.in_channels
    freed = memory[given.freed + least]
    begin, none = bytes_of(given, values) - freed, int(least == 0)
    like = find_body(book, memory, _READS, -4, new, phase, row - least, none, begin, 0, 0, 0)
    for done_row in range(least + 1, most + 1):
        gap = memory[given.freed + done_row] - freed
        like = find_body(book, memory, _READS, like, gap, 0, 0, 0, 0, 0, 0, 0)
    return like


PARTS = (
    bytes_of, in_bursts, _conv_groups, room_signal, _rows_fit, _row_bytes, _row_age, _before_row,
    _upto, _patch_bytes, _under_step, read_of, step_read_of, like_step, _like_aligned, like_row,
    _tallest, plan_inputs,
)  # fmt: skip
"""What can be compiled, the called before the calling; besides those of `transfers`, `window`."""
