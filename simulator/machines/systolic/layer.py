"""The records of a layer, made from its plan."""

from math import ceil
from typing import NamedTuple

from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.records import Fold, Layer, Piece, Sums, Tile
from simulator.program import Runs


class Part(NamedTuple):
    """One of the parts that a total is divided into."""

    size: int
    first: bool
    last: bool


def parts(total: int, size: int) -> Runs[Part]:
    """Divide a total into parts of a size; the last has the rest."""
    count = -(-total // size)
    rest = total - (count - 1) * size
    if count == 1:
        return Runs([(1, Part(rest, first=True, last=True))])
    middle = [(count - 2, Part(size, first=False, last=False))] if count > 2 else []
    first, last = Part(size, first=True, last=False), Part(rest, first=False, last=True)
    return Runs([(1, first), *middle, (1, last)])


class Place(NamedTuple):
    """Where a piece, or a fold (with the piece that it has in all), is in the layer."""

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
        """True if it is the layer's first."""
        return all(part.first for part in self)

    @property
    def last(self) -> bool:
        """True if it is the layer's last."""
        return all(part.last for part in self)


def layer_of(plan: LayerPlan) -> Layer:
    """Make the records of a layer.

    Raises:
        InputError: a scratchpad is too small for it.

    """
    return Layer(
        dataflow=plan.machine.array.dataflow,
        ideal_memory=plan.machine.memory.ideal,
        groups=parts(plan.gemm.groups, 1).seen(
            lambda group: parts(plan.strip_total, plan.strip_size).seen(
                lambda strip: parts(plan.place_total, plan.place_size).seen(
                    lambda place: _fold(plan, group, strip, place)
                )
            )
        ),
        load_cycles=plan.machine.array.rows,
        drain_cycles=plan.drain_cycles,
    )


def _fold(plan: LayerPlan, group: Part, strip: Part, place: Part) -> Fold:
    whole = Place(group, strip, place, Part(plan.steps, first=True, last=True))
    places = parts(plan.steps, plan.piece_steps).seen(
        lambda piece: Place(group, strip, place, piece)
    )
    stays = plan.stationary_operand
    pieces = places.seen(lambda at: _piece(plan, at))
    return Fold(
        stationary=None if stays is None else _tile(plan, stays, whole, whole.pes),
        pes=whole.pes,
        pieces=pieces,
        piece_count=sum(times for times, _ in pieces),
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
    """Make the record of what a piece uses of an operand; None: it stays in the PEs."""
    if operand.index == "fold":
        return None
    lanes = at.strip.size if operand.index == "strip" else at.place.size
    return _tile(plan, operand, at, lanes * at.piece.size)


def _tile(plan: LayerPlan, operand: Operand, at: Place, elements: int) -> Tile:
    """Make the record of so many elements of an operand."""
    lifetime = plan.lifetime(operand)
    again = {"strip": not at.place.first, "place": not at.strip.first, "fold": False}
    loads = lifetime == "fold" or not again[operand.index]
    opens = {"layer": at.first, "strip": at.place.first and at.piece.first, "fold": True}
    closes = {"layer": at.last, "strip": at.place.last and at.piece.last, "fold": True}
    share = operand.share if lifetime == "layer" else 1
    size = ceil(elements * operand.bits * share / 8)
    if operand.name == "weights" and at.first:
        size += ceil(plan.gemm.subset_bits / 8)
    return Tile(
        load_bytes=plan.in_bursts(size) if loads else 0,
        opens=opens[lifetime],
        closes=closes[lifetime],
        first=at.first,
    )


def _sums_of_pes(plan: LayerPlan, at: Place) -> Sums:
    """Make the record of outputs that stay in the PEs until the fold's last step."""
    size = ceil(at.pes * plan.gemm.output_bits / 8)
    leaves = at.piece.last
    return Sums(
        opens=leaves,
        returning_bytes=0,
        leaving_bytes=plan.in_bursts(size) if leaves else 0,
        partial=False,
        closes=leaves,
        last=at.last,
    )


def _sums_of_columns(plan: LayerPlan, at: Place) -> Sums:
    """Make the record of sums that leave the columns step by step."""
    values, apart = at.strip.size * at.piece.size, not plan.strip_sums_fit
    sums = plan.in_bursts(ceil(values * plan.machine.array.pe.accumulator_bits / 8))
    outputs = plan.in_bursts(ceil(values * plan.gemm.output_bits / 8))
    return Sums(
        opens=apart or (at.place.first and at.piece.first),
        returning_bytes=sums if apart and not at.place.first else 0,
        leaving_bytes=outputs if at.place.last else sums if apart else 0,
        partial=apart and not at.place.last,
        closes=apart or (at.place.last and at.piece.last),
        last=at.last,
    )
