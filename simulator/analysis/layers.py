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
OTHER_LAYERS = "other layers"
"""The bottleneck if all layers run at once, and the layer's units are idle for more than half of
the run: they wait for units of other layers."""
FUSED = "fused"
"""The bottleneck of a layer without commands: its work is part of another layer's time."""
_TIE = 0.01
"""Units whose busy fractions differ by less than this are joint bottlenecks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerResult:
    """One layer of one run."""

    mapped: MappedLayer
    at_once: bool
    """True if all layers run at once; False: one after the other."""
    start_cycle: int
    """The end of the previous layer. At once: the first start of the layer's units."""
    end_cycle: int
    """The end of the write of its last output. At once: the end of its units' last command."""
    cycles: int
    """Its part of the run's cycles: from start to end. At once: the cycles of its units along the
    run's critical path."""
    available_cycles: int
    """The cycles in which its units can work: `cycles`. At once: the whole run's."""
    pes: int
    """The PEs that can work on it: all. At once: those of its own units."""
    busy_cycles: dict[UnitTerm, int]
    """Cycles per unit of this layer's commands between start and end; prefetches are earlier."""
    working_pe_cycles: int
    """PE-cycles in which the busiest side of a PE works."""
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
    def pe_cycles(self) -> int:
        """PE-cycles in which its PEs can work."""
        return self.pes * self.available_cycles

    @property
    def utilization(self) -> float:
        """The fraction of `pe_cycles` in which the busiest side of a PE works (0 to 1)."""
        return self.working_pe_cycles / max(1, self.available_cycles) / max(1, self.pes)

    @property
    def limits(self) -> tuple[UnitTerm, ...]:
        """The unit or units with the largest busy fraction of the layer; none if below half."""
        cycles = max(1, self.available_cycles)
        shares = {unit: busy / cycles for unit, busy in self.busy_cycles.items()}
        most = max(shares.values())
        if most < 0.5 - _TIE:
            return ()
        return tuple(unit for unit, share in shares.items() if share >= most - _TIE)

    @property
    def bound_by(self) -> str:
        """The titles of its limits; without any, `latency`, `other layers` or `fused`."""
        idle = OTHER_LAYERS if self.at_once else LATENCY
        without = idle if self.has_commands else FUSED
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
    program, vocabulary = mapping.program, mapping.program.vocabulary
    at_once, working = program.at_once, working_pe_cycles(summary, vocabulary)
    read = summary.bytes[:, vocabulary.dram_units("read")].sum(axis=1)
    written = summary.bytes[:, vocabulary.dram_units("write")].sum(axis=1)
    return tuple(
        LayerResult(
            mapped=layer,
            at_once=at_once,
            start_cycle=int(summary.starts[number]),
            end_cycle=int(summary.ends[number]),
            cycles=int(summary.layer_cycles[number]),
            available_cycles=summary.cycles if at_once else int(summary.layer_cycles[number]),
            pes=mapping.layer_pes[number],
            busy_cycles=dict(zip(vocabulary.units, summary.busy[number].tolist(), strict=True)),
            working_pe_cycles=int(working[number]),
            dram_read_bytes=int(read[number]),
            dram_written_bytes=int(written[number]),
        )
        for number, layer in enumerate(mapping.layers)
    )
