"""Waits: the cycles in which units are idle between commands, by what they wait for.

A command waits from the end of its unit's previous command until it starts. The wait belongs wholly
to the channel whose token came last. Waits of different units overlap, and other work can hide
them. `simulator.engine.path` computes the cycles that a layer takes.
"""

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.trace import Trace


def waits(trace: Trace) -> Ints:
    """[N] cycles between the end of its unit's previous command, or cycle 0, and each start."""
    by_unit = np.argsort(trace.unit, kind="stable")
    unit, end = trace.unit[by_unit], trace.end[by_unit]
    free = np.zeros(len(trace), dtype=np.int64)
    free[by_unit[1:]] = np.where(unit[1:] == unit[:-1], end[:-1], 0)
    return trace.start - free


def waits_by_channel(trace: Trace) -> Ints:
    """[layers, units, channels] cycles for which the commands of each layer wait.

    A layer's first commands may wait while previous layers still run.
    """
    shape = (len(trace.layers), len(trace.units), len(trace.channels))
    sums = np.zeros(shape, dtype=np.int64)
    waited = trace.channel >= 0
    place = (trace.layer[waited], trace.unit[waited], trace.channel[waited])
    np.add.at(sums, place, waits(trace)[waited])
    return sums
