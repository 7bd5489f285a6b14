"""The records of a layer, made from its plan."""

from collections.abc import Iterable
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.records import Fold, Layer, Piece, Sums, Tile
from simulator.machines.systolic.spread import Loop
from simulator.program import Runs

LOOPS: tuple[Loop, ...] = ("group", "strip", "place", "piece")
"""The loops of a layer, from the outermost to the innermost."""


class Part(NamedTuple):
    """One part of a divided total."""

    size: int
    number: int
    """The number of the first part of its run."""
    last: bool

    @property
    def first(self) -> bool:
        """True for the first part."""
        return self.number == 0


def parts(total: int, size: int, cuts: Iterable[int] = ()) -> Runs[Part]:
    """Divide a total into parts of a size; the last part has the rest.

    Args:
        total: the total to divide.
        size: the size of a part.
        cuts: numbers of parts that get a run of their own, as do the first and the last.

    """
    count = -(-total // size)
    alone = {0, count - 1, *cuts}
    starts = sorted(alone | {number + 1 for number in alone if number + 1 < count})
    return Runs(
        [
            (after - number, Part(min(size, total - number * size), number, number == count - 1))
            for number, after in pairwise([*starts, count])
        ]
    )


class Place(NamedTuple):
    """The position of a piece in the layer, or of a fold, with the piece that spans its steps."""

    group: Part
    strip: Part
    place: Part
    piece: Part

    @property
    def pes(self) -> int:
        """PEs that the fold uses."""
        return self.strip.size * self.place.size

    @property
    def first(self) -> bool:
        """True for the layer's first piece or fold."""
        return all(part.first for part in self)

    @property
    def last(self) -> bool:
        """True for the layer's last piece or fold."""
        return all(part.last for part in self)


def layer_of(plan: LayerPlan) -> Layer:
    """Make the records of a layer.

    Raises:
        InputError: a scratchpad is too small for the layer.

    """
    groups, strips, places, pieces = (
        set[int]().union(*(spread.cuts(loop) for spread in plan.spreads.values())) for loop in LOOPS
    )

    def fold(group: Part, strip: Part, place: Part) -> Fold:
        whole = Place(group, strip, place, Part(plan.steps, 0, last=True))
        divided = parts(plan.steps, plan.piece_steps, pieces)
        stays = plan.stationary_operand
        return Fold(
            stationary=None if stays is None else _tile(plan, stays, whole, whole.pes),
            pes=whole.pes,
            pieces=divided.seen(lambda piece: _piece(plan, Place(group, strip, place, piece))),
            piece_count=plan.pieces,
        )

    return Layer(
        dataflow=plan.machine.array.dataflow,
        ideal_memory=plan.machine.memory.ideal,
        keeps_maps=plan.keeps_maps,
        reads=plan.reads,
        groups=parts(plan.gemm.groups, 1, groups).seen(
            lambda group: parts(plan.strip_total, plan.strip_size, strips).seen(
                lambda strip: parts(plan.place_total, plan.place_size, places).seen(
                    lambda place: fold(group, strip, place)
                )
            )
        ),
        load_cycles=plan.machine.array.rows,
        drain_cycles=plan.drain_cycles,
    )


def _piece(plan: LayerPlan, at: Place) -> Piece:
    """Make the record of a piece; the layer's last takes a cycle less, as SCALE-Sim counts."""
    return Piece(
        cycles=at.piece.size - at.last,
        inputs=_moving(plan, plan.inputs, at),
        weights=_moving(plan, plan.weights, at),
        sums=_sums_of_columns(plan, at) if plan.stationary else _sums_of_pes(plan, at),
        first=at.piece.first,
        last=at.piece.last,
    )


def _moving(plan: LayerPlan, operand: Operand, at: Place) -> Tile | None:
    """Make the record of the elements of an operand for a piece; None: it stays in the PEs."""
    if operand.index == "fold":
        return None
    lanes = at.strip.size if operand.index == "strip" else at.place.size
    return _tile(plan, operand, at, lanes * at.piece.size)


def _tile(plan: LayerPlan, operand: Operand, at: Place, elements: int) -> Tile:
    """Make the record of `elements` elements of an operand."""
    if plan.stays_on_chip(operand):
        return Tile(load_bytes=0, opens=False, closes=False, first=at.first)
    lifetime = plan.lifetime(operand)
    again = {"strip": not at.place.first, "place": not at.strip.first, "fold": False}
    opens = {"layer": at.first, "strip": at.place.first and at.piece.first, "fold": True}
    closes = {"layer": at.last, "strip": at.place.last and at.piece.last, "fold": True}
    if lifetime != "fold" and again[operand.index]:
        size = 0
    elif lifetime == "layer":
        numbers = dict(zip(LOOPS, (part.number for part in at), strict=True))
        size = plan.spreads[operand.name].load_bytes(numbers)
    else:
        subset = plan.subset_bytes(operand) if at.first else 0
        size = plan.in_bursts(ceil(elements * operand.bits / 8) + subset)
    return Tile(load_bytes=size, opens=opens[lifetime], closes=closes[lifetime], first=at.first)


def _sums_of_pes(plan: LayerPlan, at: Place) -> Sums:
    """Make the record of outputs that stay in the PEs until the fold's last step."""
    space, leaves = plan.sum_bytes(at.pes), at.piece.last
    first = at.group.first and at.strip.first and at.place.first
    cycles, shortcuts = _epilogue(plan, at.pes if leaves else 0)
    return Sums(
        space_taken=space if leaves else 0,
        returning_bytes=0,
        return_space=0,
        leaving_bytes=plan.output_bytes(at.pes) if leaves else (),
        partial=False,
        space_freed=space if leaves else 0,
        last=at.last,
        vector_cycles=cycles,
        shortcut_bytes=shortcuts,
        first_read=first and _opens_reads(plan, shortcuts),
    )


def _sums_of_columns(plan: LayerPlan, at: Place) -> Sums:
    """Make the record of sums that leave the columns step by step."""
    values, apart = at.strip.size * at.piece.size, not plan.strip_sums_fit
    sums = plan.in_bursts(plan.sum_bytes(values))
    returns = apart and not at.place.first
    if apart:
        space = plan.sum_bytes(values) * (2 if plan.sums == "dram" else 1)
    else:
        space = plan.sum_bytes(at.strip.size * plan.steps)
    outputs = plan.output_bytes(values)
    first = at.group.first and at.strip.first and at.piece.first
    cycles, shortcuts = _epilogue(plan, values if at.place.last else 0)
    return Sums(
        space_taken=space if apart or (at.place.first and at.piece.first) else 0,
        returning_bytes=sums if returns else 0,
        return_space=plan.sum_bytes(values) if returns else 0,
        leaving_bytes=outputs if at.place.last else (sums,) if apart else (),
        partial=apart and not at.place.last,
        space_freed=space if apart or (at.place.last and at.piece.last) else 0,
        last=at.last,
        vector_cycles=cycles,
        shortcut_bytes=shortcuts,
        first_read=first and _opens_reads(plan, shortcuts),
    )


def _opens_reads(plan: LayerPlan, shortcuts: tuple[int, ...]) -> bool:
    """True if the layer's first reads from DRAM may be shortcut values, and a piece reads some."""
    return plan.stays_on_chip(plan.inputs) and bool(shortcuts)


def _epilogue(plan: LayerPlan, outputs: int) -> tuple[int, tuple[int, ...]]:
    """Cycles of the vector unit for outputs that leave the array, and bytes of its reads."""
    if plan.epilogue is None or not outputs:
        return 0, ()
    reads = (ceil(outputs * bits / 8) for bits in plan.shortcuts_from_dram)
    return plan.epilogue.cycles(outputs), tuple(map(plan.in_bursts, reads))
