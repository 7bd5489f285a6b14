"""What held a run up, as columns: cycles along its critical path, the largest cause, idle PEs."""

from collections.abc import Mapping
from typing import Any

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


def causes_of(run: Run) -> dict[str, Any]:
    """The columns of one run."""
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
    pes = run.mapping.layers[0].plan.hardware.array.pes
    stages: dict[str, int] = {}
    for mapped in run.mapping.layers:
        layer = mapped.plan.layer
        if not layer.full_precision:
            stage = layer.stage or layer.name
            stages[stage] = max(mapped.section.pes, stages.get(stage, 0))
    idle = {stage: pes - most for stage, most in stages.items() if most < pes}
    return ", ".join(
        f"{idle[stage]} in {stage}" for stage in sorted(idle, key=lambda stage: -idle[stage])
    )
