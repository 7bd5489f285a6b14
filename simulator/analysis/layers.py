"""Cycles and bottleneck of each layer of a run, from the run's summary alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.summary import Summary
from simulator.machines.family import MappedLayer, Mapping
from simulator.program import UnitTerm, Vocabulary

LATENCY = "latency"
"""The bottleneck if every unit is idle for more than half of the layer."""
FUSED = "fused"
"""The bottleneck of a layer without commands: its work is part of another layer's time."""
_TIE = 0.01
"""Units whose busy fractions differ by less than this are joint bottlenecks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer of one run."""

    mapped: MappedLayer
    start_cycle: int
    """The end of the previous layer."""
    end_cycle: int
    """The end of the write of its last output."""
    busy_cycles: dict[UnitTerm, int]
    """Cycles per unit of this layer's commands between start and end; prefetches are earlier."""
    utilization: float
    """The fraction of PE cycles in which the busiest side of a PE works (0 to 1)."""
    dram_read_bytes: int
    dram_written_bytes: int

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.mapped.layer.name

    @property
    def stage(self) -> str:
        """The layer's stage."""
        return self.mapped.layer.stage

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all images of the batch."""
        return self.mapped.batch * self.mapped.layer.macs

    @property
    def stored_bytes(self) -> int:
        """Bytes of the layer's weights in DRAM, in the form that the machine reads."""
        return self.mapped.stored_bytes

    @property
    def cycles(self) -> int:
        """Cycles from the end of the previous layer to the end of this layer."""
        return self.end_cycle - self.start_cycle

    @property
    def limits(self) -> tuple[UnitTerm, ...]:
        """The unit or units with the largest busy fraction of the layer; none if below half."""
        shares = {unit: busy / max(1, self.cycles) for unit, busy in self.busy_cycles.items()}
        most = max(shares.values())
        if most < 0.5 - _TIE:
            return ()
        return tuple(unit for unit, share in shares.items() if share >= most - _TIE)

    @property
    def bound_by(self) -> str:
        """The titles of its limits; `latency` or `fused` if it has none."""
        without = LATENCY if self.has_commands else FUSED
        return " + ".join(unit.title for unit in self.limits) or without

    @property
    def has_commands(self) -> bool:
        """False if the layer is fused: its work is part of another layer's time."""
        return self.mapped.section.commands > 0


def working_pe_cycles(summary: Summary, vocabulary: Vocabulary) -> Ints:
    """Return [layers] PE cycles in which the busiest side of a PE works."""
    sides = [summary.pe_cycles[:, kinds].sum(axis=1) for kinds in vocabulary.sides.values()]
    working: Ints = np.max(sides, axis=0)
    return working


def layer_results(mapping: Mapping[Any], summary: Summary) -> tuple[LayerResult, ...]:
    """Return every layer's part of a run, in order."""
    vocabulary = mapping.program.vocabulary
    starts = np.concatenate(([0], summary.ends[:-1]))
    cycles = np.maximum(summary.ends - starts, 1)
    shares = working_pe_cycles(summary, vocabulary) / cycles / mapping.hardware.pes
    read = summary.bytes[:, vocabulary.dram_units("read")].sum(axis=1)
    written = summary.bytes[:, vocabulary.dram_units("write")].sum(axis=1)
    return tuple(
        LayerResult(
            mapped=layer,
            start_cycle=int(starts[number]),
            end_cycle=int(summary.ends[number]),
            busy_cycles=dict(zip(vocabulary.units, summary.busy[number].tolist(), strict=True)),
            utilization=float(shares[number]),
            dram_read_bytes=int(read[number]),
            dram_written_bytes=int(written[number]),
        )
        for number, layer in enumerate(mapping.layers)
    )
