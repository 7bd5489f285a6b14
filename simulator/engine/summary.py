"""Results of a run, layer by layer."""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.path import spent
from simulator.engine.trace import Trace
from simulator.engine.waits import waits_by_channel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """Results of a run, layer by layer: L layers, U units, K kinds."""

    ends: Ints
    """[L] cycle in which the last result of the layer and all before is ready; the next layer
    begins."""
    busy: Ints
    """[L, U] cycles in which the layer's commands occupy each unit, after the previous layers
    end."""
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

    @property
    def cycles(self) -> int:
        """Cycles of the whole run: from cycle 0 until the last result is ready."""
        return int(self.ends.max(initial=0))


def summarize(trace: Trace) -> Summary:
    """Sum a trace by layer."""
    since = np.maximum(trace.start, trace.layer_starts[trace.layer])
    within = np.maximum(trace.end - since, 0)
    return Summary(
        ends=trace.layer_ends,
        busy=sums_by_unit(trace, within),
        bytes=sums_by_unit(trace, trace.bytes),
        pe_cycles=_sums(trace, trace.kind, len(trace.kinds), trace.occupied * trace.pes),
        spent=spent(trace),
        waits=waits_by_channel(trace),
        lost=sums_by_unit(trace, trace.lost),
        ran=len(trace),
    )


def sums_by_unit(trace: Trace, values: Ints) -> Ints:
    """[layers, units] sums of one value per command."""
    return _sums(trace, trace.unit, len(trace.units), values)


def _sums(trace: Trace, column: Ints, columns: int, values: Ints) -> Ints:
    """[layers, columns] sums of one value per command, by layer and `column`."""
    sums = np.zeros(len(trace.layers) * columns, dtype=np.int64)
    np.add.at(sums, trace.layer * columns + column, values)
    return sums.reshape(-1, columns)
