"""What each layer of a run took, and what it was bound by; from its summary alone."""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.summary import Summary
from simulator.machines.lut_array import MappedLayer, Mapping
from simulator.machines.lut_array.numbering import Kind, Unit

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
    def macs(self) -> int:
        """Multiply-accumulates of all images of the batch."""
        return self.mapped.plan.batch * self.mapped.plan.layer.macs

    @property
    def stored_bytes(self) -> int:
        """Bytes of the layer's weights or indices in DRAM, with its subset and Huffman code."""
        return self.mapped.plan.weight_bytes + self.mapped.plan.subset_bytes

    @property
    def cycles(self) -> int:
        """From the end of the layer before to the end of this one."""
        return self.end_cycle - self.start_cycle

    @property
    def limits(self) -> tuple[Unit, ...]:
        """The unit, or units, busy for the largest share of the layer; none if below half."""
        shares = {unit: busy / max(1, self.cycles) for unit, busy in self.busy_cycles.items()}
        most = max(shares.values())
        if most < 0.5 - _TIE:
            return ()
        return tuple(unit for unit, share in shares.items() if share >= most - _TIE)

    @property
    def bound_by(self) -> str:
        """The titles of its limits; `waiting` if it has none."""
        return " + ".join(UNIT_TITLES[unit] for unit in self.limits) or WAITING


def working_pe_cycles(summary: Summary) -> Ints:
    """[layers] PE-cycles in which a PE's busier side, dot unit or accumulators, works."""
    dots = summary.pe_cycles[:, [Kind.FILL, Kind.DIRECT, Kind.MAC]].sum(axis=1)
    working: Ints = np.maximum(dots, summary.pe_cycles[:, Kind.ACCUMULATE])
    return working


def layer_results(mapping: Mapping, summary: Summary) -> tuple[LayerResult, ...]:
    """Every layer's share of a run, in order."""
    starts = np.concatenate(([0], summary.ends[:-1]))
    working = working_pe_cycles(summary)
    return tuple(
        LayerResult(
            mapped=layer,
            start_cycle=int(starts[number]),
            end_cycle=int(summary.ends[number]),
            busy_cycles={unit: int(summary.busy[number, unit]) for unit in Unit},
            utilization=float(
                working[number]
                / max(1, summary.ends[number] - starts[number])
                / layer.plan.hardware.array.pes
            ),
            dram_read_bytes=int(summary.bytes[number, list(DRAM_READS)].sum()),
            dram_written_bytes=int(summary.bytes[number, Unit.DRAM_OUTPUTS]),
        )
        for number, layer in enumerate(mapping.layers)
    )
