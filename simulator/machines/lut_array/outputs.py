"""The bytes that each outgoing transfer writes, and the space that outputs take until then.

The outputs of a transfer are adjacent in DRAM, convolution group by convolution group. A group
often has too few outputs for a burst. Writes are one of these:

- `shared`: a group writes whole bursts only. The bytes after the last whole burst stay on chip.
  They leave with the same pixels of a later group.
- `separate`: an output block writes all its bytes, rounded up to whole bursts. A layer without
  groups always writes this way.

Every copy of the outputs has a write of its own. The values that an epilogue adds to the outputs
come in reads of the same outputs. With shared writes, a group reads only the bursts that no earlier
group has read.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.parts import firsts
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan, Writes
from simulator.machines.lut_array.vocabulary import OUTPUT_SLOTS
from simulator.machines.vector.vocabulary import SLOTS

_Number = TypeVar("_Number", int, Ints)
Before = Callable[[LayerPlan, Ints | int, Ints, int], Ints]


class Outgoing(NamedTuple):
    """The bytes and the vector cycles of an outgoing transfer."""

    shortcuts: tuple[int, ...]
    """Bytes of the reads for each addition; 0: earlier groups have read the bursts."""
    vector_cycles: int
    written: tuple[int, ...]
    """Bytes of the write of every copy."""


def has_shortcuts(plan: LayerPlan) -> bool:
    """True if the vector unit adds values from DRAM to the outputs."""
    return plan.epilogue is not None and len(plan.epilogue.shortcut_bits) > 0


def output_space(plan: LayerPlan, writes: Writes) -> int:
    """Bytes of the activation buffer for outputs.

    They are two slots for outputs, two slots for shortcut values, and bursts that are not whole
    yet.
    """
    pixels = plan.pixels_per_step * plan.steps_per_transfer
    values = pixels * max(_outputs(plan))
    shortcuts = sum(_size(values, bits) for bits in _shortcut_bits(plan))
    slots = OUTPUT_SLOTS * _slot_bytes(plan, values) + SLOTS * shortcuts
    if writes == "separate":
        return slots
    burst = plan.hardware.memory.dram.burst_bytes
    begun = sum(
        min(burst, _size(pixels * plan.layer.out_channels, bits))
        for bits in (*_leaving(plan), *_shortcut_bits(plan))
    )
    return slots + begun * (len(plan.transfer_cuts) - 1)


def _slot_bytes(plan: LayerPlan, values: int) -> int:
    """Bytes of some outputs, before or after the vector unit."""
    written = sum(_size(values, bits) for bits in _leaving(plan))
    if plan.epilogue is None:
        return written
    return max(written, _size(values, plan.epilogue.value_bits))


class Moved(NamedTuple):
    """Bytes of a layer's outputs, in whole bursts."""

    shortcuts: int
    written: int


def all_moved(plan: LayerPlan, writes: Writes) -> Moved:
    """Bytes of all shortcut reads and of all writes of a layer."""
    rows, times = np.unique(np.diff(transfer_bounds(plan)), axis=0, return_counts=True)
    shortcuts, written = 0, 0
    for row, number in zip(rows.tolist(), times.tolist(), strict=True):
        pixels = np.array(row)
        written += number * sum(
            int(_moved(plan, writes, pixels, bits, written_before).sum()) for bits in _leaving(plan)
        )
        shortcuts += number * sum(
            int(_moved(plan, writes, pixels, bits, read_before).sum())
            for bits in _shortcut_bits(plan)
        )
    return Moved(shortcuts, written)


def outgoing(plan: LayerPlan, writes: Writes, pixels: Sequence[int]) -> list[list[Outgoing]]:
    """[output blocks, transfers] the outgoing transfers of a row.

    A shared write has 0 bytes if its group completes no burst. If all copies stay on chip, the only
    write has 0 bytes.

    Args:
        plan: the layer.
        writes: the way in which its output blocks write.
        pixels: output pixels of each transfer of the row.

    """
    numbers = np.array(pixels)
    written = [
        _moved(plan, writes, numbers, bits, written_before).tolist() for bits in _leaving(plan)
    ]
    read = [
        _moved(plan, writes, numbers, bits, read_before).tolist() for bits in _shortcut_bits(plan)
    ]
    return [
        [
            Outgoing(
                shortcuts=tuple(table[block][transfer] for table in read),
                vector_cycles=plan.epilogue.cycles(count * outputs) if plan.epilogue else 0,
                written=tuple(table[block][transfer] for table in written) or (0,),
            )
            for transfer, count in enumerate(pixels)
        ]
        for block, outputs in enumerate(_outputs(plan))
    ]


def written_before(plan: LayerPlan, block: Ints | int, pixels: Ints, bits: int) -> Ints:
    """Bytes that shared writes of a copy have moved before a block, in a transfer of `pixels`."""
    values = firsts(_outputs(plan))[block]
    burst = plan.hardware.memory.dram.burst_bytes
    before: Ints = _size(pixels * values, bits) // burst * burst
    return before


def read_before(plan: LayerPlan, block: Ints | int, pixels: Ints, bits: int) -> Ints:
    """Bytes that shared shortcut reads have moved before a block, in a transfer of `pixels`."""
    values = firsts(_outputs(plan))[block]
    before: Ints = plan.in_bursts(_size(pixels * values, bits))
    return before


def _moved(plan: LayerPlan, writes: Writes, pixels: Ints, bits: int, before: Before) -> Ints:
    """[output blocks, transfers] bytes of each write of a copy, or of each shortcut read.

    Args:
        plan: the layer.
        writes: the way in which its output blocks write.
        pixels: [transfers] output pixels.
        bits: bits of a value.
        before: `written_before` or `read_before`.

    """
    outputs = _outputs(plan)
    if writes == "separate":
        return plan.in_bursts(_size(np.multiply.outer(outputs, pixels), bits))
    moved = np.array([before(plan, block, pixels, bits) for block in range(len(outputs))])
    end = plan.in_bursts(_size(pixels * sum(outputs), bits))
    return np.diff(moved, append=end[np.newaxis], axis=0)


def _outputs(plan: LayerPlan) -> list[int]:
    """[output blocks] outputs of each output block."""
    return [block.outputs for block in plan.blocks]


def _shortcut_bits(plan: LayerPlan) -> tuple[int, ...]:
    """Bits that each addition reads for an output."""
    return () if plan.epilogue is None else plan.epilogue.shortcut_bits


def _size(values: _Number, bits: int) -> _Number:
    """Bytes of some values, packed without gaps."""
    return -(-values * bits // 8)


def _leaving(plan: LayerPlan) -> tuple[int, ...]:
    """Bits of an output in every copy that DRAM gets."""
    return plan.on_chip.leaving(plan.copies)
