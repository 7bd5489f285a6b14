"""Which commands read windows out of the activation buffer."""

import numpy as np

from simulator.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan
from simulator.mapping.commands import Kind
from simulator.ordered import Program


def window_reads(program: Program, layer: int, plan: LayerPlan) -> Ints:
    """The commands of a layer that do: each step's direct, or the fill of its first pass.

    Later passes find the windows in the PEs. MAC steps take activations as they come.
    """
    mine = np.flatnonzero(program.layer == layer)
    direct = plan.mode == "direct"
    reads: Ints = mine[program.kind[mine] == (Kind.DIRECT if direct else Kind.FILL)]
    return reads if direct else reads[:: len(plan.pass_entries)]
