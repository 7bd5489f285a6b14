"""The bytes that each outgoing transfer writes, and the space that outputs take until then.

The outputs of a transfer are adjacent in DRAM, convolution group by convolution group. A group
often has too few outputs for a burst. Writes are one of these:

- `shared`: a group writes whole bursts only. The bytes after the last whole burst stay on chip.
  They leave with the same pixels of a later group.
- `separate`: an output block writes all its bytes, rounded up to whole bursts. A layer without
  groups always writes this way.
"""

from collections.abc import Sequence

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.parts import firsts
from simulator.machines.lut_array.pixels import transfer_bounds
from simulator.machines.lut_array.plan import LayerPlan, Writes
from simulator.machines.lut_array.vocabulary import OUTPUT_SLOTS


def output_space(plan: LayerPlan, writes: Writes) -> int:
    """Bytes of the activation buffer for outputs: two slots, and bursts that are not whole yet."""
    slots = OUTPUT_SLOTS * plan.out_transfer_bytes
    if writes == "separate":
        return slots
    pixels = plan.pixels_per_step * plan.steps_per_transfer
    all_groups = int(_bytes(plan, np.array(pixels * plan.layer.out_channels)))
    begun = min(plan.hardware.memory.dram.burst_bytes, all_groups)
    return slots + begun * (len(plan.transfer_cuts) - 1)


def all_written_bytes(plan: LayerPlan, writes: Writes) -> int:
    """Bytes of all writes of a layer, in whole bursts."""
    rows, times = np.unique(np.diff(transfer_bounds(plan)), axis=0, return_counts=True)
    return sum(
        int(written_bytes(plan, writes, row).sum()) * number
        for row, number in zip(rows.tolist(), times.tolist(), strict=True)
    )


def written_bytes(plan: LayerPlan, writes: Writes, pixels: Sequence[int]) -> Ints:
    """[output blocks, transfers] bytes of each write, in whole bursts.

    A shared write has 0 bytes if its group completes no burst.

    Args:
        plan: the layer.
        writes: the way in which its output blocks write.
        pixels: output pixels of each transfer of a row.

    """
    outputs = np.array([block.outputs for block in plan.blocks])
    if writes == "separate":
        return plan.in_bursts(_bytes(plan, np.multiply.outer(outputs, np.array(pixels))))
    whole = np.array(
        [written_before(plan, block, np.array(pixels)) for block in range(len(outputs))]
    )
    end = plan.in_bursts(_bytes(plan, np.array(pixels) * outputs.sum()))
    return np.diff(whole, append=end[np.newaxis], axis=0)


def written_before(plan: LayerPlan, block: Ints | int, pixels: Ints) -> Ints:
    """Bytes of a transfer of `pixels` pixels that shared writes of earlier blocks have moved."""
    outputs = firsts([each.outputs for each in plan.blocks])[block]
    burst = plan.hardware.memory.dram.burst_bytes
    before: Ints = _bytes(plan, pixels * outputs) // burst * burst
    return before


def _bytes(plan: LayerPlan, values: Ints) -> Ints:
    """Bytes of outputs, packed without gaps."""
    return -(-values * plan.output_bits // 8)
