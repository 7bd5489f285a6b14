"""Cycles of a layer without an engine: a closed form for ideal memory, a recurrence otherwise.

Tests check both engines against them. They share only the mapper's decisions (`plan.py`) with the
unit programs.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import ceil

from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.schema import Systolic


def expected_cycles(plan: LayerPlan) -> int:
    """Cycles of a layer that runs alone with ideal memory and enough space for its results.

    Without overlap, a layer takes F x (P + T + R + C - 2) - 1 cycles, as in SCALE-Sim 3.0.0. It has
    F folds of T steps on R x C PEs. Preloading a stationary operand takes P = R cycles; P = 0
    without a stationary operand. With overlap, folds follow each other in max(T, R) cycles.
    """
    array = plan.machine.array
    folds = plan.gemm.groups * plan.strips * plan.places
    preload = array.rows if plan.stationary else 0
    alone = preload + plan.steps + array.rows + array.columns - 2
    between = max(plan.steps, array.rows) if array.overlap_folds else alone
    return (folds - 1) * between + alone - 1


def expected_ends(plans: Sequence[LayerPlan]) -> list[int]:
    """[layers] cycle in which the last result of each layer is in DRAM.

    Every time follows from earlier times, piece by piece in the order of time.
    """
    machine = _Machine(plans[0].machine)
    return [machine.run(plan) for plan in plans]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Steps of a fold, by number; `along` and `across` are the PEs of its fold."""

    plan: LayerPlan
    group: int
    strip: int
    place: int
    number: int
    steps: int
    along: int
    """PEs along the strip."""
    across: int

    @property
    def ends_fold(self) -> bool:
        """True for the last piece of a fold."""
        return self.number == ceil(self.plan.steps / self.plan.piece_steps) - 1

    @property
    def ends_strip(self) -> bool:
        """True for the last piece of a strip."""
        return self.ends_fold and self.place == self.plan.places - 1

    @property
    def in_last_fold(self) -> bool:
        """True for the pieces of the layer's last fold."""
        gemm, plan = self.plan.gemm, self.plan
        last = (gemm.groups - 1, plan.strips - 1, plan.places - 1)
        return (self.group, self.strip, self.place) == last

    @property
    def ends_layer(self) -> bool:
        """True for the last piece of the layer."""
        return self.ends_fold and self.in_last_fold

    def tile(self, operand: Operand) -> tuple[int, ...]:
        """Name the elements of an operand that the piece uses."""
        return {
            "strip": (self.group, self.strip, self.number),
            "place": (self.group, self.place, self.number),
            "fold": (self.group, self.strip, self.place),
        }[operand.index]

    def elements(self, operand: Operand) -> int:
        """Count the elements of an operand that the piece uses."""
        return {
            "strip": self.along * self.steps,
            "place": self.across * self.steps,
            "fold": self.along * self.across,
        }[operand.index]


def _pieces(plan: LayerPlan) -> Iterator[_Piece]:
    """Yield the pieces of a layer in the order of time."""
    count = ceil(plan.steps / plan.piece_steps)
    loops = (plan.gemm.groups, plan.strips, plan.places, count)
    for group, strip, place, number in product(*map(range, loops)):
        yield _Piece(
            plan=plan,
            group=group,
            strip=strip,
            place=place,
            number=number,
            steps=min(plan.piece_steps, plan.steps - number * plan.piece_steps),
            along=min(plan.strip_size, plan.strip_total - strip * plan.strip_size),
            across=min(plan.place_size, plan.place_total - place * plan.place_size),
        )


def _rate(machine: Systolic) -> Fraction:
    """Bytes per cycle of a DMA unit."""
    dram = machine.memory.dram
    if dram.bytes_per_cycle is not None:
        return Fraction(dram.bytes_per_cycle).limit_denominator(1_000_000)
    rate = Fraction(str(dram.gigabytes_per_second)) / Fraction(str(machine.clock_ghz))
    return rate.limit_denominator(1_000_000)


def _latency(machine: Systolic) -> int:
    """Cycles from the end of a transfer to its data."""
    dram = machine.memory.dram
    if dram.latency_cycles is not None:
        return dram.latency_cycles
    return ceil(Fraction(str(dram.latency_ns)) * Fraction(str(machine.clock_ghz)))


@dataclass(slots=True)
class _Dma:
    """A DMA unit; its transfers follow each other."""

    machine: Systolic
    latency: int
    free: int = 0

    def transfer(self, bits: int | Fraction, earliest: int, more: int = 0) -> int:
        """Move `bits`, and `more` bytes; return the cycle in which they have arrived."""
        memory = self.machine.memory
        bursts = ceil(Fraction(ceil(Fraction(bits) / 8) + more, memory.dram.burst_bytes))
        rate = _rate(self.machine)
        cycles = ceil(bursts * memory.dram.burst_bytes / rate)
        self.free = max(self.free, earliest) + (0 if memory.ideal else cycles)
        return self.free + (0 if memory.ideal else self.latency)


class _Space:
    """Bytes of a scratchpad; `take` uses the bytes that became free first."""

    def __init__(self, size: int) -> None:
        self._free = deque([(0, size)])
        """Cycles from which bytes are free."""

    def take(self, size: int) -> int:
        """Return the cycle from which `size` bytes are free."""
        since = 0
        while size:
            since, there = self._free.popleft()
            if there > size:
                self._free.appendleft((since, there - size))
            size -= min(size, there)
        return since

    def give(self, size: int, cycle: int) -> None:
        """Free `size` bytes; they become free no earlier than the previous bytes."""
        self._free.append((max([cycle, *(since for since, _ in self._free)]), size))


@dataclass(slots=True)
class _Operand:
    """An operand on its way to the array: its DMA unit and the buffers of its scratchpad."""

    dma: _Dma
    buffers: deque[int]
    """Cycles from which its buffers are free."""
    loaded: set[tuple[int, ...]] = field(default_factory=set)
    """Tiles of the layer that the scratchpad has had."""
    left: int = 0
    """Bursts of the layer that the scratchpad has not had."""
    each: int = 0
    """Bursts that a tile brings."""


class _Machine:
    """Times of the array's units, layer after layer."""

    def __init__(self, machine: Systolic) -> None:
        memory, latency = machine.memory, _latency(machine)
        self.operands = {
            name: _Operand(_Dma(machine, latency), deque([0] * scratchpad.buffers))
            for name, scratchpad in (
                ("inputs", memory.input_scratchpad),
                ("weights", memory.weight_scratchpad),
            )
        }
        size = memory.output_scratchpad.bytes
        self.sums, self.returns = _Dma(machine, latency), _Space(size // 2)
        self.outputs, self.results = _Dma(machine, 0), _Space(size)
        self.registers = deque([0] * (2 if machine.array.overlap_folds else 1))
        self.array, self.preload, self.end, self.previous_outputs = 0, 0, 0, 0
        self.spilled: deque[int] = deque()

    def run(self, plan: LayerPlan) -> int:
        """Run a layer; return the cycle of its last result."""
        for operand in self.operands.values():
            operand.loaded.clear()
        for piece in _pieces(plan):
            self._stream(piece)
            self._leave(piece)
            self._drain(piece)
        return self.end

    def _stream(self, piece: _Piece) -> None:
        """Let the operands of a piece enter the array."""
        plan = piece.plan
        start = max(self.array, *(self._there(x, piece) for x in (plan.inputs, plan.weights)))
        opens = not plan.strip_sums_fit or piece.place == piece.number == 0
        if plan.stationary and opens:
            start = max(start, self.results.take(_result_bytes(piece)))
        returns = plan.stationary and not plan.strip_sums_fit and piece.place > 0
        if returns:
            sums = _bytes_of(piece.along * piece.steps * plan.machine.array.pe.accumulator_bits)
            earliest = max(self.returns.take(sums), self.spilled.popleft())
            start = max(start, self.sums.transfer(8 * sums, earliest))
        self.array = start + piece.steps - piece.ends_layer
        if returns:
            self.returns.give(sums, self.array)
        ends = {"fold": True, "strip": piece.ends_strip, "layer": piece.ends_layer}
        for operand in plan.moving_operands:
            if ends[plan.lifetime(operand)]:
                self.operands[operand.name].buffers.append(self.array)

    def _there(self, operand: Operand, piece: _Piece) -> int:
        """Return the cycle in which a piece's elements are at the edge of the array, or in it."""
        plan, mine, ready = piece.plan, self.operands[operand.name], 0
        if operand.index == "fold" and piece.number > 0:
            return 0
        lifetime, tile, first = plan.lifetime(operand), piece.tile(operand), not mine.loaded
        if lifetime == "fold" or tile not in mine.loaded:
            mine.loaded.add(tile)
            earliest = self.previous_outputs if first and operand.name == "inputs" else 0
            new_strip = piece.place == piece.number == 0
            if {"fold": True, "strip": new_strip, "layer": first}[lifetime]:
                earliest = max(earliest, mine.buffers.popleft())
            subset = ceil(plan.gemm.subset_bits / 8) if operand.name == "weights" and first else 0
            if lifetime == "layer":
                ready = self._spread(operand, piece, earliest, subset, first=first)
            else:
                bits = piece.elements(operand) * operand.bits
                ready = mine.dma.transfer(bits, earliest, subset)
        if operand.index != "fold":
            return ready
        start = max(self.preload, ready, self.registers.popleft())
        self.preload = start + plan.machine.array.rows
        if lifetime == "fold" or piece.in_last_fold:
            mine.buffers.append(self.preload)
        return self.preload

    def _spread(
        self, operand: Operand, piece: _Piece, earliest: int, subset: int, *, first: bool
    ) -> int:
        """Load a part of an operand that stays for the layer, until all of it is on chip."""
        plan, mine = piece.plan, self.operands[operand.name]
        burst = plan.machine.memory.dram.burst_bytes
        size = ceil(operand.layer_elements * operand.bits / 8) + subset
        if first:
            mine.left = ceil(size / burst)
            tiles = len({each.tile(operand) for each in _pieces(plan)})
            mine.each = ceil(mine.left / tiles)
        bursts = min(mine.left, mine.each)
        mine.left -= bursts
        return mine.dma.transfer(8 * bursts * burst, earliest) if bursts else 0

    def _leave(self, piece: _Piece) -> None:
        """Let the results of a piece leave the array for DRAM."""
        plan, array = piece.plan, piece.plan.machine.array
        complete = not plan.stationary or piece.place == plan.places - 1
        if not plan.stationary and not piece.ends_fold:
            return
        if not complete and plan.strip_sums_fit:
            return
        if not plan.stationary:
            self.array = max(self.array, self.results.take(_result_bytes(piece)))
        values = piece.along * (piece.steps if plan.stationary else piece.across)
        bits = plan.gemm.output_bits if complete else array.pe.accumulator_bits
        left = self.array + array.rows + array.columns - 2
        written = self.outputs.transfer(values * bits, left)
        self.end = max(self.end, written)
        if not complete:
            self.spilled.append(written)
        if piece.ends_fold or not plan.strip_sums_fit:
            self.results.give(_result_bytes(piece), written)
        if piece.ends_layer:
            self.previous_outputs = written

    def _drain(self, piece: _Piece) -> None:
        """Hold the array after the last step of a fold."""
        if not piece.ends_fold:
            return
        plan, array = piece.plan, piece.plan.machine.array
        if not array.overlap_folds:
            self.array += array.rows + array.columns - 2
        elif not plan.stationary:
            self.array += max(0, array.rows - plan.steps)
        if plan.stationary:
            self.registers.append(self.array)
        self.end = max(self.end, self.array)


def _bytes_of(bits: int | Fraction) -> int:
    return ceil(Fraction(bits) / 8)


def _result_bytes(piece: _Piece) -> int:
    """Bytes of the output scratchpad that the results of a piece, or of its strip, occupy."""
    plan = piece.plan
    bits = plan.machine.array.pe.accumulator_bits
    if not plan.stationary:
        return _bytes_of(piece.along * piece.across * bits)
    if plan.strip_sums_fit:
        return _bytes_of(piece.along * plan.steps * bits)
    return _bytes_of(piece.along * piece.steps * bits) * (1 if plan.places == 1 else 2)
