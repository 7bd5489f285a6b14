"""Circuit against simulator: every command's cycles, every output's value. Tolerance zero."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtl.cosimulation.case import Case
from rtl.cosimulation.circuit import EVENT_KINDS, CircuitRun, run
from rtl.cosimulation.inputs import inputs_of
from simulator.engine import ENGINES
from simulator.mapping import map_workload

ORIGIN = 1
"""The simulator's cycle in which the circuit starts: DRAM takes cycle 0 to bring everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared, and where the two differ."""

    commands: int
    outputs: int
    cycles: int
    differences: list[str]
    """One line each; the first few of every kind."""


def simulated_events(case: Case) -> tuple[bool, dict[str, NDArray[np.int64]]]:
    """Whether the mapper runs the layer directly, and by kind [commands, 2] start and end."""
    mapping = map_workload(case.workload, case.hardware)
    trace = ENGINES["event"](mapping.program, None)
    program = mapping.program
    times = np.stack([trace.start, trace.end], axis=1) - ORIGIN
    kinds = {kind: times[program.kind == program.kinds.index(kind)] for kind in EVENT_KINDS}
    return mapping.layers[0].plan.mode == "direct", kinds


def compare(case: Case, testbench: Path, vcd: Path | None = None) -> Comparison:
    """Run a case on both and compare."""
    direct, simulated = simulated_events(case)
    cycles = max(int(times.max(initial=0)) for times in simulated.values())
    inputs = inputs_of(case, direct=direct)
    try:
        circuit = run(testbench, inputs, max_cycles=2 * cycles + 1000, vcd=vcd)
    except RuntimeError as error:
        return Comparison(commands=0, outputs=0, cycles=cycles, differences=[str(error)])
    return Comparison(
        commands=sum(len(times) for times in simulated.values()),
        outputs=len(circuit.sums),
        cycles=cycles,
        differences=[
            *(line for kind in EVENT_KINDS for line in _times(kind, circuit, simulated[kind])),
            *_outputs(case, circuit),
        ],
    )


def _times(kind: str, circuit: CircuitRun, simulated: NDArray[np.int64]) -> list[str]:
    found = circuit.events[kind]
    lines = []
    if len(found) != len(simulated):
        lines.append(f"{kind}: circuit {len(found)} commands, simulator {len(simulated)}")
    both = min(len(found), len(simulated))
    for n in np.flatnonzero(np.any(found[:both] != simulated[:both], axis=1))[:3]:
        lines.append(f"{kind} {n}: circuit {found[n].tolist()}, simulator {simulated[n].tolist()}")
    return lines


def _outputs(case: Case, circuit: CircuitRun) -> list[str]:
    expected = case.convolution()
    pixel, channel, value = circuit.sums.T
    if len(value) != expected.size:
        return [f"outputs: circuit {len(value)}, convolution {expected.size}"]
    outside = (pixel >= expected.shape[0]) | (channel >= expected.shape[1])
    if np.any(outside):
        return [f"outputs: {np.count_nonzero(outside)} of pixels or channels that do not exist"]
    found = np.full(expected.shape, np.iinfo(np.int64).min)
    found[pixel, channel] = value
    return [
        f"output of pixel {p}, channel {c}: circuit {found[p, c]}, convolution {expected[p, c]}"
        for p, c in np.argwhere(found != expected)[:3]
    ]
