"""Commands of a step: one group of input channels of a visit, all passes.

The waits of every command stand here, each with its reason; docs/machine.md describes them.
"""

from simulator.compiling import Memory
from simulator.loops import wait_on
from simulator.mapping.book import PART, Book, add, close, find_body, keep, made_of, mark, push
from simulator.mapping.commands import Kind, Signal
from simulator.mapping.given import DIRECT, MAC, Given
from simulator.mapping.inputs import STEPS, room_signal

(
    FILL, DIRECT_DOTS, MACS, ACCUMULATE, FETCH_INDICES, LOAD_WEIGHTS, READ_INPUTS, DRAIN,
    WRITE_OUTPUTS,
) = map(int, Kind)  # fmt: skip
(
    LOADED, INPUT_READ, FETCHED, FILLED, BANK_READ, STEP, TRANSFER, ROW, DRAINED, WRITTEN,
    REGISTERS, ROOM, LAYER,
) = map(int, Signal)  # fmt: skip
"""`Kind` and `Signal` as plain numbers: an enumeration's members are slow to look up."""

FETCHES = 1
"""The visit's chunks are not in the PEs' registers yet."""
FREES = 2
"""Nothing after the visit reads its chunks from the index buffer."""
FIRST = 4
"""The layer's first visit."""
RELEASES = 8
"""The last visit that uses the registers that were fetched last."""
OPENS = 16
"""The first of its transfer."""
CLOSES = 32
"""The last of its transfer."""
ENDS_ROW = 64
"""The last of its row of output."""
ENDS_LAYER = 128
READS = 256
"""A step reads inputs."""
LOADS = 512
"""A step's chunk comes in right before it."""
SLOT = 1024
"""A step's sums are the first for an output slot, and go there without a drain."""
_STEP = 1
"""What a body's key begins with."""


def step_of(
    given: Given, book: Book, memory: Memory, block: int, group: int, pixels: int,
    read: int, age: int, place: int, hold: int, flags: int,
) -> int:  # fmt: skip
    """A step of a visit, with the load and the read that come before it, as a part of a body.

    Args:
        given: the layer.
        book: where it is written.
        memory: where both lie.
        block: of output channels.
        group: of input channels.
        pixels: output pixels that it works on.
        read: bytes that it reads; 0: everything is there.
        age: of the room that the read waits for.
        place: of its load among the layer's; -1: its chunk is in the index buffer.
        hold: age of the written slot without which the drain of the visit before may be held up.
        flags: what else sets its visit apart.

    """
    like = memory[given.like_group + block * given.groups + group]
    posts = _posts(given, memory, group, flags)
    own = _flags(given, group, read, place, flags)
    step = _body(given, book, memory, block, like, pixels, hold, posts, own)
    if read == 0 and place < 0:
        return PART - step
    begun = mark(book, memory)
    inputs_first = memory[given.way] == STEPS and read > 0
    if place >= 0 and not inputs_first:
        _load(given, book, memory, place, 0)
    if read > 0:
        _read(given, book, memory, read, age)
    if place >= 0 and inputs_first:
        _load(given, book, memory, place, wait_on(INPUT_READ, 1))
    push(book, memory, PART - step, 1)
    return PART - close(book, memory, begun)


def _flags(given: Given, group: int, read: int, place: int, flags: int) -> int:
    """What sets a step apart, of all that sets its visit apart, and more."""
    own = flags & (FETCHES | FREES)
    if given.mode == MAC:
        if given.groups == 1 and not flags & RELEASES:
            own &= ~FREES
        if flags & OPENS and group == given.groups - 1:
            own |= SLOT
    if group == 0:
        own |= flags & FIRST
    if read > 0:
        own |= READS
    if place >= 0:
        own |= LOADS
    return own


def _posts(given: Given, memory: Memory, group: int, flags: int) -> int:
    """What a step's last command posts."""
    posts = 1 << STEP
    if given.mode != MAC and (given.groups > 1 or flags & RELEASES):
        posts |= 1 << REGISTERS
    if group == given.groups - 1:
        room = room_signal(given, memory)
        if (room == TRANSFER and flags & CLOSES) or (room == ROW and flags & ENDS_ROW):
            posts |= 1 << room
    return posts


def _body(
    given: Given, book: Book, memory: Memory, block: int, group: int, pixels: int,
    hold: int, posts: int, flags: int,
) -> int:  # fmt: skip
    """The body of a step behind its chunk and its inputs."""
    row = find_body(book, memory, _STEP, block, group, pixels, hold, posts, flags, 0, 0, 0)
    made = made_of(book, memory, row)
    if made >= 0:
        return made
    begun = mark(book, memory)
    if flags & FETCHES and given.mode != MAC:
        _fetch(given, book, memory, block * given.groups + group, flags)
    if given.mode == MAC:
        _macs(given, book, memory, block, group, pixels, hold, posts, flags)
    elif given.mode == DIRECT:
        _direct_dots(given, book, memory, block, group, pixels, hold, posts, flags)
    else:
        _passes(given, book, memory, block, group, pixels, hold, posts, flags)
    return keep(book, memory, row, close(book, memory, begun))


# --- what a step waits for, and for how long it reads --------------------------------------------


def _inputs(flags: int) -> int:
    """The first command that reads activations waits for its input."""
    return wait_on(INPUT_READ, 1) if flags & READS else 0


def _layer(flags: int) -> int:
    """The layer's first command that reads activations waits for the layer before."""
    return wait_on(LAYER, 1) if flags & FIRST else 0


def _indices(flags: int) -> int:
    """The first command that uses indices waits until they are in the PEs."""
    return wait_on(FETCHED, 1) if flags & FETCHES else 0


def _chunk(flags: int) -> int:
    """What uses a chunk first waits for its load."""
    return wait_on(LOADED, 1) if flags & LOADS else 0


def _drained(given: Given, group: int) -> int:
    """The first command that overwrites sums while those of the visit before drain.

    It must not begin before that drain has, which the drain before or an output slot may hold up
    (`_held`). In several passes outputs are not added in the order in which they drain, so there it
    must not begin before the drain has ended.
    """
    if group > 0 or given.mode == MAC:
        return 0
    return wait_on(DRAINED, 1 if given.passes > 1 else 2)


def _held(group: int, hold: int) -> int:
    """The output slot that may hold the drain before up."""
    return wait_on(WRITTEN, hold) if group == 0 else 0


def _windows(given: Given, pes: int) -> int:
    """Lines that hold the windows in front of the PEs: cycles in which a step reads them."""
    return -(-pes * given.window_bits // given.line_bits)


# --- commands: kind, PEs, cycles, bytes, place in `room_ages`, posts, waits ----------------------


def _load(given: Given, book: Book, memory: Memory, place: int, wait: int) -> None:
    """A chunk that comes in for a step."""
    size = memory[given.load_bytes + place]
    add(book, memory, (LOAD_WEIGHTS, 0, 0, size, place, 1 << LOADED, wait, 0, 0, 0, 0, 0))


def _read(given: Given, book: Book, memory: Memory, size: int, age: int) -> None:
    """Inputs that come in, once there is room; where steps read, all of the step before is over."""
    drained = wait_on(DRAINED, 1) if memory[given.way] == STEPS and given.mode != MAC else 0
    room, layer, posts = (
        wait_on(room_signal(given, memory), age),
        wait_on(LAYER, 1),
        1 << INPUT_READ,
    )
    add(book, memory, (READ_INPUTS, 0, 0, size, -1, posts, room, drained, layer, 0, 0, 0))


def _fetch(given: Given, book: Book, memory: Memory, chunk: int, flags: int) -> None:
    """Indices that come into the PEs, once a set of registers is free and the chunk is there."""
    inputs = _inputs(flags) if memory[given.way] == STEPS else 0
    posts = 1 << FETCHED | (1 << ROOM if flags & FREES else 0)
    size, free, chunk = (
        memory[given.chunk_bytes + chunk],
        wait_on(REGISTERS, given.register_sets),
        _chunk(flags),
    )
    add(book, memory, (FETCH_INDICES, 0, 0, size, -1, posts, free, chunk, inputs, 0, 0, 0))


def _passes(
    given: Given, book: Book, memory: Memory, block: int, group: int, pixels: int,
    hold: int, posts: int, flags: int,
) -> None:  # fmt: skip
    """For every pass a fill of one bank, and an accumulate that reads it."""
    pes = pixels * memory[given.pes + group]
    least, bank = _windows(given, pes), wait_on(BANK_READ, given.banks)
    inputs, layer, indices = _inputs(flags), _layer(flags), _indices(flags)
    drained, held = _drained(given, group), _held(group, hold)
    first = given.accumulates + (block * given.groups + group) * given.passes
    for number in range(given.passes):
        dots, filled = max(memory[given.fills + number], least), 1 << FILLED
        add(book, memory, (FILL, pes, dots, 0, -1, filled, bank, inputs, layer, 0, 0, 0))
        done = 1 << BANK_READ | (posts if number == given.passes - 1 else 0)
        sums, bank_full = memory[first + number], wait_on(FILLED, 1)
        add(book, memory, (
            ACCUMULATE, pes, sums, 0, -1, done, bank_full, indices, drained, held, 0, 0,
        ))  # fmt: skip
        inputs, layer, indices, drained, held, least = 0, 0, 0, 0, 0, 0  # of the first pass alone


def _direct_dots(
    given: Given, book: Book, memory: Memory, block: int, group: int, pixels: int,
    hold: int, posts: int, flags: int,
) -> None:  # fmt: skip
    """Dot products that go straight to the accumulators."""
    pes = pixels * memory[given.pes + group]
    dots = max(memory[given.dots + block], _windows(given, pes))
    inputs, layer, indices = _inputs(flags), _layer(flags), _indices(flags)
    drained, held = _drained(given, group), _held(group, hold)
    add(book, memory, (
        DIRECT_DOTS, pes, dots, 0, -1, posts, indices, inputs, layer, drained, held, 0,
    ))  # fmt: skip


def _macs(
    given: Given, book: Book, memory: Memory, block: int, group: int, pixels: int,
    hold: int, posts: int, flags: int,
) -> None:  # fmt: skip
    """A full-precision step, which takes weights and activations as they come."""
    macs = pixels * memory[given.outputs + block] * memory[given.units + group]
    cycles = -(-macs * given.macs_per_unit // given.macs_per_cycle)
    posts |= 1 << ROOM if flags & FREES else 0
    chunk, inputs, layer = _chunk(flags), _inputs(flags), _layer(flags)
    held, slot = _held(group, hold), wait_on(WRITTEN, 2) if flags & SLOT else 0
    add(book, memory, (
        MACS, given.all_pes, cycles, 0, -1, posts, chunk, inputs, layer, held, slot, 0,
    ))  # fmt: skip


PARTS = (
    _inputs, _layer, _indices, _chunk, _drained, _held, _windows, _load, _read, _fetch, _passes,
    _direct_dots, _macs, _flags, _posts, _body, step_of,
)  # fmt: skip
"""What can be compiled, the called before the calling."""
