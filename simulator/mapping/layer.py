"""One layer: what comes in when, and its loops."""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import ceil
from typing import Any

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Compiled, Memory, memory_of, pays, records_of
from simulator.errors import InputError
from simulator.loops import FIELDS, LayerLoops
from simulator.machines.lut_array.plan import InputReuse, LayerPlan
from simulator.mapping.book import Book, book_of, rows_of
from simulator.mapping.commands import MACHINE
from simulator.mapping.given import Given, given_of
from simulator.mapping.inputs import NOTHING_FITS, WAYS
from simulator.mapping.nest import PARTS, write_layer
from simulator.mapping.weights import WeightLoads, plan_weights

SIZE = 64
"""Operations for which a book has room at least; four times as much until a layer fits."""
COMPILE_FROM = 1_000_000
"""Operations and bodies written in a process after which the writing is compiled, if that has not
been kept from an earlier process: about the 10 s that compiling takes."""


class _Process:
    """What this process has done."""

    written = 0
    """Operations and bodies written without the compiler."""


@dataclass(frozen=True, eq=False)
class MappedLoops:
    """One layer: how inputs and weights are held, and the loops."""

    inputs: InputReuse
    weights: WeightLoads
    loops: LayerLoops


def map_layer(plan: LayerPlan, compiled: bool | None = None) -> MappedLoops:
    """Choose how a layer's inputs and weights are held, and write its commands.

    Args:
        plan: the layer.
        compiled: write compiled or interpreted; as pays if not given.

    Raises:
        InputError: a buffer is too small for the layer, however it is cut.

    """
    compiled = writing_pays() if compiled is None else compiled
    weights = plan_weights(plan)
    size = SIZE
    while size < len(weights.bytes) + SIZE // 2:
        size *= 2  # every load is an operation of its own
    given, memory = _written(plan, weights, size, compiled)
    while memory[book_of(size).full]:
        size *= 4
        given, memory = _written(plan, weights, size, compiled)
    if memory[given.way] == NOTHING_FITS:
        raise _too_small(plan, memory[given.largest])
    return MappedLoops(WAYS[memory[given.way]], weights, _loops_in(memory, book_of(size)))


def _written(
    plan: LayerPlan, weights: WeightLoads, size: int, compiled: bool
) -> tuple[Given, Memory]:
    """A layer, written into a book of `size` operations, with which memory begins."""
    book = book_of(size)
    given, tables = given_of(plan, weights, book.behind)
    memory = memory_of([np.zeros(book.behind, dtype=np.int64), *tables], compiled)
    if compiled:
        _compiled()(records_of([given])[0], _record_of_book(size), memory)
    else:
        write_layer(given, book, memory)
        _Process.written += memory[book.ops] + memory[book.known]
    return given, memory


@lru_cache
def _record_of_book(size: int) -> Any:
    return records_of([book_of(size)])[0]


def _loops_in(memory: Memory, book: Book) -> LayerLoops:
    ops, rows, body = memory[book.ops], rows_of(book, book.ops), memory[book.layer]
    begin, end = (book.code + memory[place + body] for place in (book.begin, book.end))
    return LayerLoops(
        machine=MACHINE,
        ops=_array(memory[rows : rows + FIELDS * ops]).reshape(ops, FIELDS),
        what=_array(memory[begin:end]),
        turns=_array(memory[book.turns : book.turns + memory[book.loops]]),
        times=_array(memory[book.times : book.times + ops]),
    )


def _array(values: Memory) -> Ints:
    return np.array(values, dtype=np.int64)


def writing_pays() -> bool:
    """Whether layers are written compiled from now on in this process."""
    return pays(0) and (_compiled().kept or _Process.written >= COMPILE_FROM)


def _too_small(plan: LayerPlan, largest: int) -> InputError:
    need = (largest + 2 * plan.out_transfer_bytes) / 1024
    kib = plan.hardware.memory.activation_buffer.kib
    return InputError(
        f"memory.activation_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
        f"{ceil(100 * need) / 100:g} KiB, the input of one step and two outgoing transfers"
    )


@cache
def _compiled() -> Compiled:
    return Compiled(write_layer, PARTS)
