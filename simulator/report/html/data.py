"""The contents of the HTML report as plain data: each value with unit and source in the trace."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.analysis.fifos import fillings, has_fillings
from simulator.analysis.interval import limit_of
from simulator.analysis.layers import LayerResult
from simulator.analysis.notes import notes_of
from simulator.analysis.outcome import RUNS
from simulator.analysis.roofline import Point, roofline
from simulator.analysis.settings import expressions
from simulator.analysis.stages import stage_times
from simulator.analysis.summary import summary_of
from simulator.analysis.title import activations, covered
from simulator.base.version import __version__
from simulator.base.wording import times_in_one_unit
from simulator.engine.sums import commands_by_unit
from simulator.machines.assumptions import Assumption
from simulator.report.html.spans import BINS, layer_spans, overview, path_stretches
from simulator.report.pipeline import images_line
from simulator.report.sizes import timeline_left_out
from simulator.report.style import COLORS
from simulator.report.timeline import stage_colors, stages_of

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome
    from simulator.analysis.run import Run
    from simulator.base.progress import Progress
    from simulator.machines import Hardware

_LIBRARIES = ("numpy", "simpy", "msgspec")
FIGURES: tuple[tuple[str, str, str, str], ...] = (
    ("cycles", "time", "cycles", "end_cycle - start_cycle of the layer"),
    ("time_us", "time", "µs", "cycles / clock_ghz / 1000"),
    ("start_cycle", "starts", "cycle", "largest end_cycle + latency_cycles of the previous layer"),
    ("end_cycle", "ends", "cycle", "largest end_cycle + latency_cycles of the layer's commands"),
    ("utilization", "PE utilization", "% of PE-cycles", "sum of cycles x pes of the busier side"),
    ("dram_read_bytes", "DRAM read", "bytes", "sum of bytes: dram_weights, dram_inputs"),
    ("dram_written_bytes", "DRAM written", "bytes", "sum of bytes: dram_outputs"),
    ("commands", "commands", "", "rows of trace.parquet"),
    ("macs", "multiply-accumulates", "", "the layer's shape, x batch"),
)
"""The key, name, unit and source in the trace of every value in a layer's panel."""
_SOURCES_AT_ONCE = {
    "cycles": "cycles of the layer's units on the critical path",
    "start_cycle": "smallest start_cycle of the layer's commands",
    "end_cycle": "largest end_cycle of the layer's commands",
}
"""The sources of some values if all layers run at once."""


def page_data(
    result: "Outcome", assumed: Sequence[Assumption], progress: "Progress | None"
) -> dict[str, Any]:
    """Return everything that the HTML report embeds."""
    runs = result.runs
    commands = [commands_by_unit(run.mapping.program) for run in runs]
    words = result.run.vocabulary
    used = np.any([counts.any(axis=0) for counts in commands], axis=0)
    units = np.flatnonzero(used).tolist()
    left_out = timeline_left_out(result)
    summary = summary_of(result)
    times = times_in_one_unit([result.milliseconds(run.cycles) for run in runs])
    hardware = result.hardware
    return {
        "title": f"{result.run.workload.title} on {hardware.name}",
        "summary": _summary(result),
        "bins": BINS,
        "timeline_left_out": left_out,
        "units": [
            {
                "unit": unit,
                "name": words.units[unit].name,
                "title": words.units[unit].title,
                **_place(result.run, {words.units[unit].layer}),
            }
            for unit in units
        ],
        "at_once": result.run.at_once,
        "parts": _categories(result.run),
        "stages": stage_colors(stages_of(result)),
        "figures": [
            {"key": key, "name": name, "unit": unit, "source": _source(result.run, key, source)}
            for key, name, unit, source in FIGURES
        ],
        "runs": [
            {
                "name": name,
                "time": time,
                **_run(result, run),
                **({} if left_out else _timeline(run, units, progress)),
            }
            for name, run, time in zip(RUNS, runs, times, strict=False)
        ],
        "roofline": _roofline(result),
        "pipelines": _pipelines(result),
        "what_helps": summary.get("what_helps", []),
        "what_helps_together": summary.get("what_helps_together", []),
        "energy": summary.get("energy"),
        "performance": summary["performance"],
        "configuration": _with_links(_flat(result.configuration["hardware"]), hardware),
        "assumptions": [_assumption(one, hardware) for one in assumed],
        "notes": notes_of(result),
        "versions": {
            "simulator": __version__,
            "engine": result.engine,
            "Python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
            "configuration (SHA-256)": result.config_sha256,
        },
    }


def _pipelines(result: "Outcome") -> list[dict[str, Any]]:
    """Return the images, the units, and the FIFOs of each run whose layers all run at once."""
    return [
        {
            "title": run.title,
            "lines": [images_line(run.images), limit_of(run).sentence],
            "slowest": [one.unit.name for one in limit_of(run).slowest],
            "units": [one.plain() for one in stage_times(run)],
            "fifos": [one.plain() for one in fillings(run)] if has_fillings(run) else None,
        }
        for run in result.runs
        if run.images is not None
    ]


def _summary(result: "Outcome") -> dict[str, Any]:
    """The network, the hardware, and the speedup if the run has a baseline."""
    workload, hardware = result.run.workload, result.hardware
    return {
        "network": workload.title,
        "input_size": f"{workload.input_height}x{workload.input_width}",
        "hardware": hardware.name,
        "pes": result.run.pes,
        "clock_ghz": hardware.clock_ghz,
        "batch": workload.batch,
        "activations": activations(workload),
        "tau": result.run.tau,
        "tau_1x1": result.run.tau_1x1,
        **({} if result.speedup is None else {"speedup": result.speedup}),
        "scope": covered(result),
        **({} if result.wider is None else {"wider": result.wider.sentence}),
    }


def _categories(run: "Run") -> list[dict[str, Any]]:
    """Return the categories of cycles, each with a color."""
    layers = run.vocabulary.category_layers
    return [
        {
            "part": category.name,
            "title": ": ".join(filter(None, (*layers[category.name], category.title))),
            "color": category.color or COLORS[number % len(COLORS)],
            **_place(run, layers[category.name]),
        }
        for number, category in enumerate(run.vocabulary.categories)
    ]


def _place(run: "Run", layers: set[str]) -> dict[str, int]:
    """Return the number of the layer of a unit or category, if all layers run at once."""
    names = run.mapping.program.names
    return {"layer": min(map(names.index, layers))} if run.at_once and layers else {}


def _source(run: "Run", key: str, usual: str) -> str:
    """Return the source of a value in the trace."""
    return _SOURCES_AT_ONCE.get(key, usual) if run.at_once else usual


def _run(result: "Outcome", run: "Run") -> dict[str, Any]:
    """Return a run's numbers."""
    return {
        "title": run.title,
        "cycles": run.cycles,
        "time_ms": result.milliseconds(run.cycles),
        "dram_bytes": run.dram_bytes,
        "layers": [
            {**_layer(result, layer, parts), "commands": layer.mapped.section.commands}
            for layer, parts in zip(run.layers, run.attribution, strict=True)
        ],
    }


def _timeline(run: "Run", units: list[int], progress: "Progress | None") -> dict[str, Any]:
    """Return a run's commands, from its trace."""
    stretches, path = path_stretches(run)
    return {
        "overview": overview(run, units),
        "path": {"count": stretches, "data": path},
        "spans": layer_spans(run, progress),
    }


def _layer(result: "Outcome", layer: LayerResult, parts: dict[Any, int]) -> dict[str, Any]:
    return {
        "layer": layer.name,
        "stage": layer.stage,
        "cycles": layer.cycles,
        "time_us": 1e3 * result.milliseconds(layer.cycles),
        "start_cycle": layer.start_cycle,
        "end_cycle": layer.end_cycle,
        "utilization": 100 * layer.utilization,
        "bound_by": layer.bound_by,
        "mode": result.run.family.title_of(layer.mapped.mode),
        "dram_read_bytes": layer.dram_read_bytes,
        "dram_written_bytes": layer.dram_written_bytes,
        "macs": layer.macs,
        "busy": {unit.name: busy for unit, busy in layer.busy_cycles.items() if busy},
        "parts": {part: cycles for part, cycles in parts.items() if cycles},
    }


def _roofline(result: "Outcome") -> dict[str, Any]:
    placed = roofline(result)
    return {
        "runs": [_points(points) for points in placed.runs],
        "roofs": [{"name": r.name, "macs_per_cycle": r.macs_per_cycle} for r in placed.roofs],
        "slopes": [{"name": s.name, "bytes_per_cycle": s.bytes_per_cycle} for s in placed.slopes],
        "bytes_per_cycle": placed.bytes_per_cycle,
    }


def _points(points: tuple[Point, ...]) -> list[list[float]]:
    return [[point.macs_per_byte, point.macs_per_cycle, point.number] for point in points]


def _flat(data: dict[str, Any], under: str = "") -> list[tuple[str, object]]:
    """Return dotted keys and values."""
    rows: list[tuple[str, object]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{under}{key}.")
        else:
            rows.append((f"{under}{key}", "not set" if value is None else value))
    return rows


def _with_links(rows: list[tuple[str, object]], hardware: "Hardware") -> list[tuple[str, object]]:
    """Return rows of keys and values, with the expression after a linked key's value."""
    links = expressions(hardware)
    return [(key, f"{value} = {links[key]}" if key in links else value) for key, value in rows]


def _assumption(one: Assumption, hardware: "Hardware") -> dict[str, object]:
    """Return an assumption with the value in use, which `--set` may have changed."""
    from simulator.machines import value_of

    if one.table:
        return {"key": f"{one.table}: {one.key}", "value": one.value, "reason": one.reason}
    used = value_of(hardware, one.key)
    if expressions(hardware).get(one.key) == one.value:
        return {"key": one.key, "value": f"{used} = {one.value}", "reason": one.reason}
    changed = str(used) != one.value and used != _number(one.value)
    reason = (
        f"overridden for this run; the hardware file has {one.value}" if changed else one.reason
    )
    return {"key": one.key, "value": used, "reason": reason}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
