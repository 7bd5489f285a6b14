"""RTL against simulator: every command's cycles, every output's value, with zero tolerance."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import EVENT_KINDS, CircuitRun
from rtl.cosimulation.circuit import run as run_circuit
from rtl.cosimulation.inputs import inputs_of
from simulator.analysis.running import run_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Size of a comparison, and the differences between RTL and simulator."""

    commands: int
    outputs: int
    cycles: int
    differences: list[str]
    """Differences, one line each; only the first few of every kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """The simulator's result for a case."""

    direct: bool
    """True if the mapper runs the layer without the LUT."""
    inputs_at: int
    """First cycle in which the first step's input is on chip."""
    indices_at: int
    events: dict[str, NDArray[np.int64]]
    """For each kind: [commands, 2] start and end."""

    @property
    def cycles(self) -> int:
        """Last cycle of the last command, plus 1."""
        return max(int(times.max(initial=0)) for times in self.events.values())


def simulate(case: Case) -> Simulated:
    """Map a case and run it with the event engine.

    DRAM moves any transfer in one cycle. It therefore delays only the first step: a request of
    cycle 0 arrives in cycle 1 (reasons: docs/rtl.md). A layer whose first pixels see only padding
    reads no input for them.
    """
    run = run_one(case.workload, case.hardware, "event")
    trace = run.trace
    times = np.stack([trace.start, trace.end], axis=1)
    of_kind = {kind: trace.kind == number for number, kind in enumerate(trace.kinds)}
    for_first = of_kind["read_inputs"] & (trace.step == 0)
    return Simulated(
        direct=run.mapping.weighted[0].plan.mode == "direct",
        inputs_at=int(trace.end[for_first].max(initial=0)),
        indices_at=int(trace.end[of_kind["load_weights"]].min()),
        events={kind: times[of_kind[kind]] for kind in EVENT_KINDS},
    )


def compare(case: Case, testbench: Path, vcd: Path | None = None) -> Comparison:
    """Run a case on RTL and simulator, and compare."""
    simulated = simulate(case)
    try:
        circuit = run_circuit(
            testbench,
            inputs_of(case, direct=simulated.direct),
            max_cycles=2 * simulated.cycles + 1000,
            inputs_at=simulated.inputs_at,
            indices_at=simulated.indices_at,
            vcd=vcd,
        )
    except RuntimeError as error:
        return Comparison(commands=0, outputs=0, cycles=simulated.cycles, differences=[str(error)])
    return Comparison(
        commands=sum(len(times) for times in simulated.events.values()),
        outputs=len(circuit.sums),
        cycles=simulated.cycles,
        differences=[
            *(
                line
                for kind, times in simulated.events.items()
                for line in _times(kind, circuit, times)
            ),
            *_outputs(case, circuit),
        ],
    )


def _times(kind: str, circuit: CircuitRun, simulated: NDArray[np.int64]) -> list[str]:
    found = circuit.events[kind]
    lines = []
    if len(found) != len(simulated):
        lines.append(f"{kind}: RTL {len(found)} commands, simulator {len(simulated)}")
    both = min(len(found), len(simulated))
    for n in np.flatnonzero(np.any(found[:both] != simulated[:both], axis=1))[:3]:
        lines.append(f"{kind} {n}: RTL {found[n].tolist()}, simulator {simulated[n].tolist()}")
    return lines


def _outputs(case: Case, circuit: CircuitRun) -> list[str]:
    expected = case.convolution()
    pixel, channel, value = circuit.sums.T
    if len(value) != expected.size:
        return [f"outputs: RTL {len(value)}, convolution {expected.size}"]
    outside = (pixel >= expected.shape[0]) | (channel >= expected.shape[1])
    if np.any(outside):
        return [
            f"outputs: {np.count_nonzero(outside)} belong to pixels or channels that do not exist"
        ]
    found = np.full(expected.shape, np.iinfo(np.int64).min)
    found[pixel, channel] = value
    return [
        f"output of pixel {p}, channel {c}: RTL {found[p, c]}, convolution {expected[p, c]}"
        for p, c in np.argwhere(found != expected)[:3]
    ]
