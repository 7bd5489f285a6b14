"""What each layer of a run took, and what it was bound by; computed from the trace alone."""

from dataclasses import dataclass

import numpy as np

from simulator.mapping import MappedLayer, Mapping
from simulator.mapping.builder import Kind, Unit
from simulator.program import Ints, Trace

DRAM_READS = (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS)
UNIT_TITLES = {
    Unit.DRAM_WEIGHTS: "DRAM weights",
    Unit.DRAM_INPUTS: "DRAM inputs",
    Unit.DRAM_OUTPUTS: "DRAM outputs",
    Unit.INDEX_FETCH: "index fetch",
    Unit.DOT: "Dot9",
    Unit.ACCUMULATE: "accumulate",
    Unit.DRAIN: "drain",
    Unit.MAC: "MAC",
}
WAITING = "waiting"
"""Bound by no unit: each is idle for more than half of the layer."""
_TIE = 0.01
"""Units whose busy shares differ by less than this bind together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer of one run."""

    mapped: MappedLayer
    start_cycle: int
    """End of the layer before."""
    end_cycle: int
    """Its last output is written."""
    busy_cycles: dict[Unit, int]
    """Per unit: cycles of this layer's commands between start and end; prefetches lie before."""
    utilization: float
    """Share of PE-cycles in which a PE's busier side, dot unit or accumulators, works (0 to 1)."""
    dram_read_bytes: int
    dram_written_bytes: int

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.mapped.plan.layer.name

    @property
    def stage(self) -> str:
        """The layer's stage."""
        return self.mapped.plan.layer.stage

    @property
    def cycles(self) -> int:
        """From the end of the layer before to the end of this one."""
        return self.end_cycle - self.start_cycle

    @property
    def bound_by(self) -> str:
        """The unit, or units, busy for the largest share of the layer; `waiting` if below half."""
        shares = {unit: busy / max(1, self.cycles) for unit, busy in self.busy_cycles.items()}
        most = max(shares.values())
        if most < 0.5 - _TIE:
            return WAITING
        return " + ".join(
            UNIT_TITLES[unit] for unit, share in shares.items() if share >= most - _TIE
        )


def layer_results(mapping: Mapping, trace: Trace) -> tuple[LayerResult, ...]:
    """Summarise a trace by layer, in order."""
    program = trace.program
    count, units = len(program.layers), len(program.units)
    ends = np.zeros(count, dtype=np.int64)
    np.maximum.at(ends, program.layer, trace.end + program.latency)
    starts = np.concatenate(([0], ends[:-1]))
    within = np.maximum(trace.end - np.maximum(trace.start, starts[program.layer]), 0)
    busy = _sums(program.layer * units + program.unit, within, count * units)
    moved = _sums(program.layer * units + program.unit, program.bytes, count * units)
    work = _sums(
        program.layer * len(Kind) + program.kind, program.cycles * program.pes, count * len(Kind)
    ).reshape(count, len(Kind))
    dots = work[:, [Kind.FILL, Kind.DIRECT, Kind.MAC]].sum(axis=1)
    working = np.maximum(dots, work[:, Kind.ACCUMULATE])
    busy, moved = busy.reshape(count, units), moved.reshape(count, units)
    return tuple(
        LayerResult(
            mapped=layer,
            start_cycle=int(starts[number]),
            end_cycle=int(ends[number]),
            busy_cycles={unit: int(busy[number, unit]) for unit in Unit},
            utilization=float(
                working[number]
                / max(1, ends[number] - starts[number])
                / layer.plan.hardware.array.pes
            ),
            dram_read_bytes=int(moved[number, list(DRAM_READS)].sum()),
            dram_written_bytes=int(moved[number, Unit.DRAM_OUTPUTS]),
        )
        for number, layer in enumerate(mapping.layers)
    )


def _sums(group: Ints, values: Ints, groups: int) -> Ints:
    """Integer sums of `values` by group."""
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums
