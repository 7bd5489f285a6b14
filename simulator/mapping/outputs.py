"""Writes of a layer's outputs, through two slots of the activation buffer."""

import numpy as np

from simulator.mapping.builder import Builder, Kind, per_cycle
from simulator.mapping.compute import Compute
from simulator.mapping.nest import Nest
from simulator.mapping.plan import LayerPlan

_SLOTS = 2


def add_outputs(builder: Builder, plan: LayerPlan, nest: Nest, compute: Compute) -> int:
    """Add a layer's writes; return the number of the last one, at whose end the layer is done."""
    first, last = nest.first_visits(), nest.last_visits()
    outputs = np.array([block.outputs for block in plan.blocks])[nest.block[first]]
    pixels = np.add.reduceat(nest.pixels, first)
    size = -(-pixels * outputs * plan.activation_bits // 8)
    dram = plan.hardware.memory.dram
    moved = -(-size // dram.burst_bytes) * dram.burst_bytes
    last_steps = (last + 1) * nest.groups - 1
    writes = builder.add(
        Kind.WRITE_OUTPUTS,
        nest.first_order(last_steps) + nest.passes - 1,
        step=last_steps,
        cycles=per_cycle(dram.bytes_per_cycle)(moved),
        bytes_=moved,
    )
    builder.wait(writes, compute.leaves[last])
    # A slot is filled again when it has been written out; a drain that waits for its slot also
    # holds up the next visit, which would overwrite the sums.
    slot_free, entering = writes[:-_SLOTS], first[_SLOTS:]
    builder.wait(compute.leaves[entering], slot_free)
    holds_up = entering + 1 < nest.visits
    builder.wait(compute.sums[entering[holds_up] + 1], slot_free[holds_up])
    return int(writes[-1])
