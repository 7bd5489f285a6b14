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

from simulator.machines.systolic.expected_memory import Dma, Space, latency_of
from simulator.machines.systolic.expected_vector import VectorTimes
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.schema import Systolic
from simulator.machines.vector.fusion import Epilogue
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import SLOTS


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


def expected_ends(machine: Systolic, layers: Sequence[MappedLayer | MappedVector]) -> list[int]:
    """[layers] cycle in which the last result of each layer is in DRAM.

    Every time follows from earlier times, piece by piece in the order of time. A fused layer ends
    with the layer before it.
    """
    times = _Machine(machine)
    return [
        times.run_vector(x) if isinstance(x, MappedVector) else times.run(x.plan) for x in layers
    ]


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


@dataclass(slots=True)
class _Operand:
    """An operand on its way to the array: its DMA unit and the buffers of its scratchpad."""

    dma: Dma
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
        memory, latency = machine.memory, latency_of(machine)
        self.operands = {
            name: _Operand(Dma(machine, latency), deque([0] * scratchpad.buffers))
            for name, scratchpad in (
                ("inputs", memory.input_scratchpad),
                ("weights", memory.weight_scratchpad),
            )
        }
        size = memory.output_scratchpad.bytes
        self.sums, self.returns = Dma(machine, latency), Space(size // 2)
        self.outputs, self.results = Dma(machine, 0), Space(size)
        self.vector = VectorTimes(
            self.operands["inputs"].dma, self.outputs, Space(memory.input_scratchpad.bytes)
        )
        self.shortcut_slots = deque([0] * SLOTS)
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
            start = max(start, self.sums.transfer(earliest, sums))
        self.array = start + piece.steps - piece.ends_layer
        if returns:
            self.returns.give(sums, self.array)
        ends = {"fold": True, "strip": piece.ends_strip, "layer": piece.ends_layer}
        for operand in plan.moving_operands:
            if operand.name == "inputs" and plan.on_chip.all_operands:
                continue
            if ends[plan.lifetime(operand)]:
                self.operands[operand.name].buffers.append(self.array)

    def _there(self, operand: Operand, piece: _Piece) -> int:
        """Return the cycle in which a piece's elements are at the edge of the array, or in it."""
        plan, mine, ready = piece.plan, self.operands[operand.name], 0
        on_chip = operand.name == "inputs" and plan.on_chip.all_operands
        if operand.index == "fold" and piece.number > 0:
            return 0
        lifetime, tile, first = plan.lifetime(operand), piece.tile(operand), not mine.loaded
        if on_chip:
            ready = self.previous_outputs
        elif lifetime == "fold" or tile not in mine.loaded:
            mine.loaded.add(tile)
            earliest = self.previous_outputs if first and operand.name == "inputs" else 0
            new_strip = piece.place == piece.number == 0
            if {"fold": True, "strip": new_strip, "layer": first}[lifetime]:
                earliest = max(earliest, mine.buffers.popleft())
            subset = ceil(plan.gemm.subset_bits / 8) if operand.name == "weights" and first else 0
            if lifetime == "layer":
                ready = self._spread(operand, piece, earliest, subset, first=first)
            else:
                size = _bytes_of(piece.elements(operand) * operand.bits) + subset
                ready = mine.dma.transfer(earliest, size)
        if operand.index != "fold":
            return ready
        start = max(self.preload, ready, self.registers.popleft())
        self.preload = start + plan.machine.array.rows
        if not on_chip and (lifetime == "fold" or piece.in_last_fold):
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
        return mine.dma.transfer(earliest, bursts * burst) if bursts else 0

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
        left = self.array + array.rows + array.columns - 2
        leaving = [bits for bits in plan.copies if bits not in plan.on_chip.kept] or [0]
        copies = leaving if complete else [array.pe.accumulator_bits]
        if complete and plan.epilogue is not None:
            left = self._epilogue(plan.epilogue, plan.on_chip.shortcuts, values, left)
        for bits in copies:
            written = self.outputs.transfer(left, _bytes_of(values * bits))
        self.end = max(self.end, written)
        if not complete:
            self.spilled.append(written)
        if piece.ends_fold or not plan.strip_sums_fit:
            self.results.give(_result_bytes(piece), written)
        if piece.ends_layer:
            self.previous_outputs = written

    def _epilogue(
        self, epilogue: Epilogue, on_chip: tuple[bool, ...], values: int, left: int
    ) -> int:
        """Return the cycle in which outputs leave the vector unit; shortcuts may be on chip."""
        here = on_chip or (False,) * len(epilogue.shortcut_bits)
        reads = [bits for bits, one in zip(epilogue.shortcut_bits, here, strict=True) if not one]
        if reads:
            slot = max(self.shortcut_slots.popleft(), self.previous_outputs)
            for bits in reads:
                arrived = self.operands["inputs"].dma.transfer(slot, _bytes_of(values * bits))
                left = max(left, arrived)
        start = max(self.vector.free, left)
        self.vector.free = start + ceil(Fraction(values * epilogue.lane_cycles, epilogue.lanes))
        if reads:
            self.shortcut_slots.append(self.vector.free)
        return self.vector.free

    def run_vector(self, layer: MappedVector) -> int:
        """Run a vector layer; return the cycle of its last result."""
        if not layer.fused:
            self.previous_outputs = self.vector.run(layer.plan, self.previous_outputs)
            self.end = max(self.end, self.previous_outputs)
        return self.end

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
