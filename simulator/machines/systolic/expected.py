"""Cycles of a layer without an engine: a closed form for ideal memory, a recurrence for any other.

Tests hold both engines against them. They share the mapper's decisions (`plan.py`) with the unit
programs, and nothing else.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import ceil
from typing import NamedTuple

from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.schema import Systolic


def expected_cycles(plan: LayerPlan) -> int:
    """Cycles of a layer that runs alone with ideal memory.

    Without overlap F x (P + T + R + C - 2) - 1 as in SCALE-Sim 3.0.0, for F folds of T steps on R x
    C PEs, with P = R cycles to preload a stationary operand, P = 0 without one. With overlap, folds
    follow each other in max(T, R) cycles.
    """
    array = plan.machine.array
    folds = plan.gemm.groups * plan.strips * plan.places
    preload = array.rows if plan.stationary else 0
    alone = preload + plan.steps + array.rows + array.columns - 2
    between = max(plan.steps, array.rows) if array.overlap_folds else alone
    return (folds - 1) * between + alone - 1


def expected_ends(plans: Sequence[LayerPlan]) -> list[int]:
    """[layers] cycle in which the last result of each layer is in DRAM.

    Every time follows from earlier ones, piece by piece in the order of time.
    """
    machine = _Machine(plans[0].machine)
    return [machine.run(plan) for plan in plans]


class _Piece(NamedTuple):
    """Indices of a piece; `steps` of it, and the PEs of its fold along the strip and across."""

    group: int
    strip: int
    place: int
    number: int
    steps: int
    along: int
    across: int


@dataclass(slots=True)
class _Dma:
    """A DMA unit: transfers one after another."""

    rate: Fraction
    latency: int
    ideal: bool
    burst: int
    free: int = 0

    def transfer(self, size: int, earliest: int) -> int:
        """Cycle in which a transfer of `size` bytes is ready."""
        moved = ceil(Fraction(size, self.burst)) * self.burst
        cycles = 0 if self.ideal else ceil(moved / self.rate)
        self.free = max(self.free, earliest) + cycles
        return self.free + (0 if self.ideal else self.latency)


@dataclass(slots=True)
class _Loads:
    """An operand on its way to the array: its DMA unit and the buffers of its scratchpad."""

    dma: _Dma
    buffers: deque[int]
    """Cycles from which buffers are free."""
    there: set[tuple[int, ...]] = field(default_factory=set)
    """Tiles of the layer that its scratchpad has had."""


class _Machine:
    """Times of the machine's units, layer after layer."""

    def __init__(self, machine: Systolic) -> None:
        dram, memory = machine.memory.dram, machine.memory
        rate = Fraction(dram.bytes_per_cycle).limit_denominator(1_000_000)

        def dma(latency: int) -> _Dma:
            return _Dma(rate, latency, machine.memory.ideal, dram.burst_bytes)

        self.array, self.preload, self.previous_outputs = 0, 0, 0
        self.loads = {
            "inputs": _Loads(
                dma(dram.latency_cycles), deque([0] * memory.input_scratchpad.buffers)
            ),
            "weights": _Loads(
                dma(dram.latency_cycles), deque([0] * memory.weight_scratchpad.buffers)
            ),
        }
        self.sums, self.outputs = dma(dram.latency_cycles), dma(0)
        self.returns = deque([0] * memory.output_scratchpad.buffers)
        self.results = deque([0] * memory.output_scratchpad.buffers)
        self.registers = deque([0] * (2 if machine.array.overlap_folds else 1))
        self.end = 0

    def run(self, plan: LayerPlan) -> int:
        """Run a layer; return the cycle of its last result."""
        spilled: deque[int] = deque()
        pieces = list(_pieces(plan))
        for operand in self.loads.values():
            operand.there.clear()
        for at in pieces:
            start = self.array
            for operand in (plan.inputs, plan.weights):
                start = max(start, self._arrived(plan, operand, at))
            if plan.stationary:
                if plan.strip_sums_fit and at.place == at.number == 0:
                    start = max(start, self.results.popleft())
                elif not plan.strip_sums_fit:
                    start = max(start, self.results.popleft())
                    start = max(start, self._returned(plan, at, spilled))
            self.array = start + at.steps - (at is pieces[-1])
            if plan.stationary and not plan.strip_sums_fit and at.place > 0:
                self.returns.append(self.array)
            self._release(plan, at, at is pieces[-1])
            self._leave(plan, at, spilled, at is pieces[-1])
            self._finish(plan, at)
        return self.end

    def _arrived(self, plan: LayerPlan, operand: Operand, at: _Piece) -> int:
        """Cycle in which the tile of an operand is at the edge of the array, or in the PEs."""
        stays = operand.index == "fold"
        if stays and at.number > 0:
            return 0
        loads, lifetime = self.loads[operand.name], plan.lifetime(operand)
        ready = 0
        name = _tile_name(plan, operand, at)
        if lifetime == "fold" or name not in loads.there:
            first = not loads.there
            loads.there.add(name)
            earliest = self.previous_outputs if first and operand.name == "inputs" else 0
            new_strip = lifetime == "strip" and at.place == at.number == 0
            if lifetime == "fold" or new_strip or (lifetime == "layer" and first):
                earliest = max(earliest, loads.buffers.popleft())
            ready = loads.dma.transfer(_bytes(plan, operand, at, first=first), earliest)
        if not stays:
            return ready
        start = max(self.preload, ready, self.registers.popleft())
        self.preload = start + plan.machine.array.rows
        if lifetime == "fold" or _in_last_fold(plan, at):
            loads.buffers.append(self.preload)
        return self.preload

    def _returned(self, plan: LayerPlan, at: _Piece, spilled: deque[int]) -> int:
        """Cycle in which the partial sums of a piece are back."""
        if at.place == 0:
            return 0
        earliest = max(self.returns.popleft(), spilled.popleft())
        bits = at.along * at.steps * plan.machine.array.pe.accumulator_bits
        return self.sums.transfer(ceil(Fraction(bits, 8)), earliest)

    def _release(self, plan: LayerPlan, at: _Piece, last: bool) -> None:
        """Free the buffers of moving operands whose last use this piece is."""
        last_of_fold = at.number == ceil(plan.steps / plan.piece_steps) - 1
        ends_strip = at.place == plan.places - 1 and last_of_fold
        for operand in (plan.inputs, plan.weights):
            ends = {"fold": True, "strip": ends_strip, "layer": last}[plan.lifetime(operand)]
            if operand.index != "fold" and ends:
                self.loads[operand.name].buffers.append(self.array)

    def _leave(self, plan: LayerPlan, at: _Piece, spilled: deque[int], last: bool) -> None:
        """Write what leaves the array with a piece."""
        array, bits = plan.machine.array, plan.gemm.output_bits
        last_of_fold = at.number == ceil(plan.steps / plan.piece_steps) - 1
        complete, values = at.place == plan.places - 1, at.along * at.steps
        if not plan.stationary:
            if not last_of_fold:
                return
            self.array = max(self.array, self.results.popleft())
            complete, values = True, at.along * at.across
        elif not complete:
            if plan.strip_sums_fit:
                return
            bits = array.pe.accumulator_bits
        ready = self.array + array.rows + array.columns - 2
        written = self.outputs.transfer(ceil(Fraction(values * bits, 8)), ready)
        self.end = max(self.end, written)
        if not complete:
            spilled.append(written)
        if not plan.stationary or not plan.strip_sums_fit or last_of_fold:
            self.results.append(written)
        if last:
            self.previous_outputs = written

    def _finish(self, plan: LayerPlan, at: _Piece) -> None:
        """Hold the array after a fold's last step."""
        if at.number < ceil(plan.steps / plan.piece_steps) - 1:
            return
        array = plan.machine.array
        if not array.overlap_folds:
            self.array += array.rows + array.columns - 2
        elif not plan.stationary:
            self.array += max(0, array.rows - plan.steps)
        if plan.stationary:
            self.registers.append(self.array)
        self.end = max(self.end, self.array)


def _pieces(plan: LayerPlan) -> Iterator[_Piece]:
    """Yield the pieces of a layer in the order of time."""
    count = ceil(plan.steps / plan.piece_steps)
    loops = (plan.gemm.groups, plan.strips, plan.places, count)
    for group, strip, place, number in product(*map(range, loops)):
        yield _Piece(
            group,
            strip,
            place,
            number,
            min(plan.piece_steps, plan.steps - number * plan.piece_steps),
            min(plan.strip_size, plan.strip_total - strip * plan.strip_size),
            min(plan.place_size, plan.place_total - place * plan.place_size),
        )


def _in_last_fold(plan: LayerPlan, at: _Piece) -> bool:
    return at[:3] == (plan.gemm.groups - 1, plan.strips - 1, plan.places - 1)


def _tile_name(plan: LayerPlan, operand: Operand, at: _Piece) -> tuple[int, ...]:
    """Name the elements of an operand that a piece uses."""
    if operand.index == "fold":
        return at[:3]
    return (at.group, at.strip if operand.index == "strip" else at.place, at.number)


def _bytes(plan: LayerPlan, operand: Operand, at: _Piece, *, first: bool) -> int:
    """Bytes of a tile in DRAM."""
    elements = {
        "strip": at.along * at.steps,
        "place": at.across * at.steps,
        "fold": at.along * at.across,
    }[operand.index]
    bits = elements * operand.bits
    if plan.lifetime(operand) == "layer":
        bits *= operand.share
    subset = ceil(Fraction(plan.gemm.subset_bits, 8))
    return ceil(bits / 8) + (subset if first and operand.name == "weights" else 0)
