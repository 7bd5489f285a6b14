"""What held a run up, as columns: cycles along its critical path, the largest cause, idle PEs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulator.analysis.attribution import PARTS, Part, total
from simulator.report.result import Run

CAUSES: Mapping[Part, str] = {
    Part.FILL: "LUT fill",
    Part.DIRECT: "dot products",
    Part.WINDOW_READ: "window reads",
    Part.ACCUMULATE: "accumulate",
    Part.LUT_CONFLICT: "LUT conflicts",
    Part.INDEX_FETCH: "index port",
    Part.BUFFER_CONFLICT: "buffer port",
    Part.DRAIN: "drain",
    Part.MAC: "MAC",
    Part.READ_WEIGHTS: "DRAM weights",
    Part.WEIGHTS_LATENCY: "weight latency",
    Part.READ_INPUTS: "DRAM inputs",
    Part.INPUTS_LATENCY: "input latency",
    Part.WRITE_OUTPUTS: "DRAM outputs",
    Part.ROW_MISS: "DRAM row misses",
    Part.REFRESH: "DRAM refresh",
    Part.LAYER_BEFORE: "previous layer",
}
"""A short name for each category, for the column of a table."""
CYCLES = {part: f"{part}_cycles" for part in PARTS}
"""Columns of cycles along the critical path; they add up to the run's cycles."""
MANY_POINTS = 40
"""Causes take a trace for each point, so a study of more points finds them only if asked."""
MANY_COMMANDS = 4_000_000
"""A trace of so many commands takes 1.2 gigabytes; a point of more is traced only if asked."""


def causes_of(run: Run) -> dict[str, Any]:
    """The columns of one run; its trace is made."""
    cycles = total(run.attribution)
    cause = max(PARTS, key=lambda part: cycles[part])  # of equal ones the first
    return {
        "bottleneck": CAUSES[cause],
        "bottleneck_percent": 100 * cycles[cause] / max(1, run.cycles),
        "idle_pes": _idle(run) or None,
        **{CYCLES[part]: cycles[part] for part in PARTS},
    }


def _idle(run: Run) -> str:
    """PEs without work in every command of a stage, such as `32 in layer1`; the most first."""
    trace, pes = run.trace, run.mapping.layers[0].plan.hardware.array.pes
    used = np.zeros(len(trace.layers), dtype=np.int64)
    np.maximum.at(used, trace.layer, trace.pes)
    stages: dict[str, int] = {}
    for layer, most in zip(run.layers, used.tolist(), strict=True):
        if layer.mapped.plan.mode != "mac":
            stage = layer.stage or layer.name
            stages[stage] = max(most, stages.get(stage, 0))
    idle = {stage: pes - most for stage, most in stages.items() if most < pes}
    return ", ".join(
        f"{idle[stage]} in {stage}" for stage in sorted(idle, key=lambda stage: -idle[stage])
    )
