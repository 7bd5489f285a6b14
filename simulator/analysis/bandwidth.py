"""Bytes per cycle of each DRAM stream over a run, as means over equal windows.

Bytes count in the cycles in which they move. With fixed timing, a transfer moves while its DMA
channel is busy. With a DRAM table, a transfer leaves its channel when its last burst is in a
queue; its bytes move later, burst by burst, on the data bus of a DRAM channel.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.run import Run
from simulator.base.columns import Ints
from simulator.dram.tables import dram_timing

Floats = NDArray[np.float64]


def window_edges(cycles: int, windows: int) -> Ints:
    """Return [windows + 1] cycles: edges of at most `windows` equal windows over the run."""
    width = max(1, -(-cycles // windows))
    return np.append(np.arange(0, cycles, width), cycles)


def window_means(
    start: Floats | Ints,
    cycles: Floats | Ints,
    amount: Floats | Ints,
    edges: Ints,
    at_once: int = 1,
) -> Floats:
    """Return [windows] the mean amount per cycle; each amount spreads evenly over its cycles.

    Args:
        start: [N] first cycle of each piece of work.
        cycles: [N] length of each piece; pieces of length 0 do not count.
        amount: [N] amount of each piece.
        edges: [windows + 1] edges in cycles.
        at_once: the most pieces in progress at any time; above 1, all pieces have one length.

    """
    some = np.flatnonzero(np.asarray(cycles) > 0)
    if not len(some):
        return np.zeros(len(edges) - 1)
    order = some[np.argsort(start[some], kind="stable")]
    start, cycles, amount = start[order], cycles[order], amount[order]
    before = np.concatenate(([0], np.cumsum(amount)))
    begun = np.searchsorted(start, edges, side="right")
    upto = before[np.maximum(begun - at_once, 0)].astype(np.float64)
    for back in range(1, at_once + 1):
        number = np.maximum(begun - back, 0)
        inside = np.clip((edges - start[number]) / cycles[number], 0, 1) * amount[number]
        upto += np.where(begun < back, 0.0, inside)
    means: Floats = np.diff(upto) / np.diff(edges)
    return means


def dram_rates(run: Run, edges: Ints) -> dict[int, Floats]:
    """Return [windows] bytes per cycle of each DRAM unit by number; make traces if necessary."""
    trace, hardware = run.trace, run.hardware
    timing = dram_timing(hardware.dram, hardware.clock_ghz)
    rates = {}
    for unit, term in enumerate(run.vocabulary.units):
        if not term.dram:
            continue
        if timing is None or trace.dram is None:
            mine = trace.unit == unit
            rates[unit] = window_means(
                trace.start[mine], trace.occupied[mine], trace.bytes[mine], edges
            )
            continue
        command, end = trace.dram.burst_command, trace.dram.burst_end
        bursts = np.bincount(command, minlength=len(trace))
        mine = trace.unit[command] == unit
        length = np.full(int(mine.sum()), float(timing.data_cycles / timing.clock))
        rates[unit] = window_means(
            (end[mine] - timing.data_cycles) / float(timing.clock),
            length,
            trace.bytes[command[mine]] / bursts[command[mine]],
            edges,
            at_once=timing.channels,
        )
    return rates
