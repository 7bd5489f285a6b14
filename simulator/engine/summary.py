"""Results of a run, layer by layer: of layers in sections of their own, or of layers at once."""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.path import spent
from simulator.engine.trace import Trace
from simulator.engine.waits import waits_by_channel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """Results of a run, layer by layer: L layers, U units, K kinds."""

    starts: Ints
    """[L] cycle in which the layer's time begins: the end of the previous layer, or, if all layers
    run at once, the first start of its units."""
    ends: Ints
    """[L] cycle in which the layer's time ends: its last result and all before are ready, or, if
    all layers run at once, the last command of its units ends."""
    layer_cycles: Ints
    """[L] the layer's part of the run's cycles: its time, or, if all layers run at once, the cycles
    of its units along the critical path."""
    busy: Ints
    """[L, U] cycles in which the layer's commands occupy each unit, after the previous section
    ends."""
    bytes: Ints
    """[L, U] bytes moved."""
    pe_cycles: Ints
    """[L, K] PE-cycles worked."""
    spent: Ints
    """[L, categories] the layer's cycles along the critical path."""
    waits: Ints
    """[L, U, channels] cycles that units wait between commands, by channel."""
    lost: Ints
    """[L, U] cycles that reads lost to writes into a buffer with one port."""
    ran: int
    """Commands that the engine ran, of all commands of the program; it skipped the others, which
    repeat them. The fast engine alone skips commands, and the number is not part of the results."""
    first_starts: Ints
    """[U] cycle in which the first command of each unit starts; 0 without commands."""
    last_ends: Ints
    """[U] cycle in which the last command of each unit ends; 0 without commands."""

    @property
    def cycles(self) -> int:
        """Cycles of the whole run: from cycle 0 until the last result is ready."""
        return int(self.layer_cycles.sum())


def summarize(trace: Trace) -> Summary:
    """Sum a trace by layer."""
    since = np.maximum(trace.start, trace.section_starts[trace.section])
    within = np.maximum(trace.end - since, 0)
    along = spent(trace)
    starts, ends = trace.layer_starts, trace.layer_ends
    return Summary(
        starts=starts,
        ends=ends,
        layer_cycles=along.sum(axis=1) if trace.at_once else ends - starts,
        busy=sums_by_unit(trace, within),
        bytes=sums_by_unit(trace, trace.bytes),
        pe_cycles=_sums(trace, trace.kind, len(trace.kinds), trace.occupied * trace.pes),
        spent=along,
        waits=waits_by_channel(trace),
        lost=sums_by_unit(trace, trace.lost),
        first_starts=_first_starts(trace),
        last_ends=_last_ends(trace),
        ran=len(trace),
    )


def _first_starts(trace: Trace) -> Ints:
    starts = np.full(len(trace.units), trace.cycles)
    np.minimum.at(starts, trace.unit, trace.start)
    starts[np.bincount(trace.unit, minlength=len(starts)) == 0] = 0
    return starts


def _last_ends(trace: Trace) -> Ints:
    ends = np.zeros(len(trace.units), dtype=np.int64)
    np.maximum.at(ends, trace.unit, trace.end)
    return ends


def sums_by_unit(trace: Trace, values: Ints) -> Ints:
    """[layers, units] sums of one value per command."""
    return _sums(trace, trace.unit, len(trace.units), values)


def _sums(trace: Trace, column: Ints, columns: int, values: Ints) -> Ints:
    """[layers, columns] sums of one value per command, by layer and `column`."""
    sums = np.zeros(len(trace.layers) * columns, dtype=np.int64)
    np.add.at(sums, trace.layer * columns + column, values)
    return sums.reshape(-1, columns)
