"""Times of a vector layer with commands of its own, row by row, for `expected.py`."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

from simulator.machines.systolic.expected_memory import Dma, Space
from simulator.machines.vector.plan import VectorPlan
from simulator.machines.vector.vocabulary import SLOTS
from simulator.workload.vector_layer import VectorLayer


def expected_vector_cycles(plan: VectorPlan) -> int:
    """Cycles of a vector layer that runs alone with ideal memory: those of its rows, added up.

    A row of every strip of V values takes V x (cycles of a lane) / lanes cycles, rounded up.
    """
    rows = plan.batch * plan.layer.images * plan.layer.out_height
    return rows * sum(map(plan.cycles, plan.columns))


@dataclass(slots=True)
class VectorTimes:
    """Times of the vector unit, layer after layer."""

    inputs: Dma
    outputs: Dma
    space: Space
    """The scratchpad of operands and results."""
    free: int = 0
    """End of its previous work."""
    slots: deque[int] = field(default_factory=lambda: deque([0] * SLOTS))
    """Cycles from which slots for results are free."""

    def run(self, plan: VectorPlan, previous_outputs: int) -> int:
        """Run a layer; return the cycle of its last write."""
        results = SLOTS * plan.result_bytes(max(plan.columns))
        waits, arrived, written = previous_outputs, 0, 0
        for row in _rows(plan):
            taken = row.new * row.space + (results if row.first else 0)
            earliest = max(waits, self.space.take(taken))
            waits = 0
            if row.new:
                arrived = self.inputs.transfer(earliest, row.operands[0])
            for size in row.operands[1:] if row.new else ():
                arrived = self.inputs.transfer(0, size)
            start = max(self.free, arrived, self.slots.popleft())
            self.free = start + plan.cycles(row.columns)
            self.space.give(row.dropped * row.space + (results if row.last else 0), self.free)
            values = row.columns * plan.layer.out_channels
            written = self.outputs.transfer(self.free, *(ceil(values * x / 8) for x in plan.copies))
            self.slots.append(written)
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An output row of a strip."""

    columns: int
    operands: tuple[int, ...]
    """Bytes that it reads of each map."""
    space: int
    """Bytes of an input row under the strip."""
    new: int
    """Input rows that it reads."""
    dropped: int
    """Input rows that no later row needs."""
    first: bool
    """True for the layer's first row."""
    last: bool


def _rows(plan: VectorPlan) -> Iterator[_Row]:
    """Yield the output rows of all images, strip by strip."""
    layer = plan.layer
    for image in range(plan.batch * layer.images):
        at = 0
        for columns in plan.columns:
            held: set[int] = set()
            across = (columns - 1) * layer.strides.width + layer.window.width
            width = len(
                _inside(at * layer.strides.width - layer.paddings.width, across, layer.in_width)
            )
            at += columns
            for row in range(layer.out_height):
                needed, later = _rows_under(layer, row), _rows_under(layer, row + 1)
                new = len(needed - held)
                before = held | needed
                held = {n for n in before if later and n >= min(later)}
                yield _Row(
                    columns=columns,
                    operands=_map_bytes(plan, new * width),
                    space=sum(_map_bytes(plan, min(across, layer.in_width))),
                    new=new,
                    dropped=len(before - held),
                    first=image == row == 0 and at == columns,
                    last=(image, at, row)
                    == (plan.batch * layer.images - 1, layer.out_width, layer.out_height - 1),
                )


def _rows_under(layer: VectorLayer, row: int) -> set[int]:
    """Input rows under an output row; none under a row after the last."""
    if row == layer.out_height:
        return set()
    above = row * layer.strides.height - layer.paddings.height
    return _inside(above, layer.window.height, layer.in_height)


def _inside(begin: int, size: int, total: int) -> set[int]:
    """Numbers of a range that are not padding."""
    return set(range(begin, begin + size)) & set(range(total))


def _map_bytes(plan: VectorPlan, pixels: int) -> tuple[int, ...]:
    """Bytes of some pixels of each map."""
    return tuple(ceil(pixels * n * plan.read_bits / 8) for n in plan.layer.operand_channels)
