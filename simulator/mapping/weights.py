"""Loads of indices, kernels and weights into the index buffer, a ring across all layers.

Three ways, from the most reuse to the least; the first that fits is taken:

- `layer`: the whole layer is held, every chunk is loaded once.
- `row`: a block's chunks are held while a row of output passes; loaded again for every row.
- `step`: a chunk is loaded for every index fetch.

A load waits until the ring has room: until the newest chunk that must leave has been used for the
last time. Nothing else holds it back, so the next layer's weights are prefetched.
"""

from dataclasses import dataclass, field

import numpy as np

from simulator.errors import InputError
from simulator.hardware import Hardware
from simulator.mapping.builder import Builder, Kind, per_cycle
from simulator.mapping.compute import Compute
from simulator.mapping.nest import Nest
from simulator.mapping.plan import LayerPlan, WeightReuse
from simulator.program import Ints


@dataclass
class IndexRing:
    """The index buffer over the whole run."""

    hardware: Hardware
    _loads: list[Ints] = field(default_factory=list)
    _sizes: list[Ints] = field(default_factory=list)
    _frees: list[Ints] = field(default_factory=list)

    def add_layer(
        self, builder: Builder, plan: LayerPlan, nest: Nest, compute: Compute
    ) -> WeightReuse:
        """Add a layer's loads; return the way taken.

        Raises:
            InputError: not even one chunk fits.

        """
        reuse = self._choose(plan)
        steps = nest.fetching_steps()
        block, group = nest.block[steps // nest.groups], steps % nest.groups
        chunk = block * nest.groups + group
        row = nest.row[steps // nest.groups]
        identity = {
            "layer": chunk,
            "row": row * len(plan.blocks) * nest.groups + chunk,
            "step": np.arange(len(steps)),
        }[reuse]
        _, first = np.unique(identity, return_index=True)
        _, from_end = np.unique(identity[::-1], return_index=True)
        last = len(steps) - 1 - from_end
        sizes = plan.stored_table.ravel()[chunk[first]]
        sizes[0] += plan.subset_bytes
        dram = self.hardware.memory.dram
        moved = -(-sizes // dram.burst_bytes) * dram.burst_bytes
        loads = builder.add(
            Kind.LOAD_WEIGHTS,
            nest.first_order(steps[first]),
            step=steps[first],
            cycles=per_cycle(dram.bytes_per_cycle)(moved),
            latency=dram.latency_cycles,
            bytes_=moved,
        )
        builder.wait(compute.needs_weights[first], loads)
        self._loads.append(loads)
        self._sizes.append(sizes)
        self._frees.append(compute.weights_free[last])
        return reuse

    def _choose(self, plan: LayerPlan) -> WeightReuse:
        room = self._room
        if plan.weight_bytes + plan.subset_bytes <= room:
            return "layer"
        if plan.largest_block_bytes <= room:
            return "row"
        if plan.largest_chunk_bytes <= room:
            return "step"
        kib = self.hardware.memory.index_buffer.kib
        need = -(-100 * plan.largest_chunk_bytes // 1024) / 100
        raise InputError(
            f"memory.index_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least "
            f"{need:g} KiB, one block of output channels and one group of input channels"
        )

    @property
    def _room(self) -> int:
        return int(self.hardware.memory.index_buffer.kib * 1024)

    def close(self, builder: Builder) -> None:
        """Let every load wait for room in the ring."""
        loads, sizes, frees = (
            np.concatenate(parts) for parts in (self._loads, self._sizes, self._frees)
        )
        upto = np.cumsum(sizes)
        # The newest chunk m that must be gone before load n: sizes m..n together exceed the room.
        leaving = np.searchsorted(upto - sizes, upto - self._room) - 1
        waiting = leaving >= 0
        builder.wait(loads[waiting], frees[leaving[waiting]])
