"""Times of a vector layer with commands of its own, row by row, for `expected.py`."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, product
from math import ceil

from simulator.machines.systolic.expected_memory import Dma, Space
from simulator.machines.vector.plan import VectorPlan
from simulator.machines.vector.vocabulary import SLOTS
from simulator.workload.vector_layer import VectorLayer


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
        waits, arrived, written = previous_outputs, 0, 0
        for row in _rows(plan):
            waits = max(waits, self.space.take(row.taken))
            for size in filter(None, row.operands):
                arrived = self.inputs.transfer(waits, size)
                waits = 0
            start = max(self.free, arrived, waits if row.first else 0, self.slots.popleft())
            self.free = start + ceil(Fraction(row.values * plan.lane_cycles, plan.lanes))
            self.space.give(row.freed, self.free)
            for bits in _leaving(plan) or [0]:
                written = self.outputs.transfer(self.free, ceil(row.values * bits / 8))
            self.slots.append(written)
        return written


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An output row of a strip, in some channels."""

    values: int
    """Output values."""
    operands: tuple[int, ...]
    """Bytes that it reads of each map."""
    taken: int
    """Bytes of the scratchpad that its new input rows take."""
    freed: int
    """Bytes of the scratchpad that no later row needs."""
    first: bool
    """True for the layer's first row."""


def _rows(plan: VectorPlan) -> Iterator[_Row]:
    """Yield the output rows of all images: part by part of the channels, strip by strip."""
    layer = plan.layer
    ends = tuple(accumulate(plan.columns))
    results = plan.on_chip.space + SLOTS * max(
        _bytes(columns * _outputs(layer, channels), _leaving(plan))
        for columns in plan.columns
        for channels in plan.channel_parts
    )
    strips = [*product(range(plan.batch * layer.images), plan.channel_parts, ends)]
    for number, (_, channels, end) in enumerate(strips):
        columns = plan.columns[ends.index(end)]
        across = (columns - 1) * layer.strides.width + layer.window.width
        left = (end - columns) * layer.strides.width - layer.paddings.width
        width = len(_inside(left, across, layer.in_width))
        space = sum(_map_bytes(plan, channels, min(across, layer.in_width)))
        held: set[int] = set()
        for row in range(layer.out_height):
            needed, later = _rows_under(layer, row), _rows_under(layer, row + 1)
            new, before = len(needed - held), held | needed
            held = {n for n in before if later and n >= min(later)}
            first = number == row == 0
            last = (number, row) == (len(strips) - 1, layer.out_height - 1)
            yield _Row(
                values=columns * _outputs(layer, channels),
                operands=_map_bytes(plan, channels, new * width),
                taken=new * space + (results if first and space else 0),
                freed=(len(before) - len(held)) * space + (results if last and space else 0),
                first=first,
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


def _outputs(layer: VectorLayer, channels: tuple[int, ...]) -> int:
    """Output channels from some channels of each map."""
    return sum(channels) if layer.kind == "concat" else channels[0]


def _map_bytes(plan: VectorPlan, channels: tuple[int, ...], pixels: int) -> tuple[int, ...]:
    """Bytes of some pixels of each map; 0 if it is on chip."""
    here = plan.on_chip.operands or (False,) * len(channels)
    sizes = (ceil(pixels * n * plan.read_bits / 8) for n in channels)
    return tuple(0 if one else size for one, size in zip(here, sizes, strict=True))


def _leaving(plan: VectorPlan) -> list[int]:
    """Bits of the copies that DRAM gets."""
    return [bits for bits in plan.copies if bits not in plan.on_chip.kept]


def _bytes(values: int, copies: list[int]) -> int:
    return sum(ceil(values * bits / 8) for bits in copies)
