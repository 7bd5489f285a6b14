"""Contents of the HTML report as plain data: each value with its unit and source in the trace."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from simulator.analysis.attribution import PARTS
from simulator.base.version import __version__
from simulator.engine.sums import commands_by_unit
from simulator.hardware.assumptions import Assumption
from simulator.machines.lut_array.numbering import Unit
from simulator.report.html.spans import BINS, layer_spans, overview, path_stretches
from simulator.report.layers import LayerResult
from simulator.report.roofline import Point, roofline
from simulator.report.settings import expressions
from simulator.report.sizes import timeline_left_out
from simulator.report.timeline import stage_colours
from simulator.report.title import covered, times_in_one_unit
from simulator.report.wording import PART_TITLES, UNIT_LABELS, bottleneck, mode_label

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.hardware import Hardware
    from simulator.report.result import Result, Run

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
"""Key, name, unit and source in the trace of every value in a layer's panel."""


def page_data(
    result: "Result", assumed: Sequence[Assumption], progress: "Progress | None"
) -> dict[str, Any]:
    """Return everything that the HTML report embeds."""
    runs = (result.run, result.baseline)
    commands = [commands_by_unit(run.mapping.program) for run in runs]
    units = [unit for unit in Unit if any(counts[:, unit].any() for counts in commands)]
    left_out = timeline_left_out(result)
    summary = result.summary()
    times = times_in_one_unit([result.milliseconds(run.cycles) for run in runs])
    workload, hardware = result.run.workload, result.hardware
    return {
        "title": f"{workload.title} on {hardware.name}",
        "summary": {
            "network": workload.title,
            "input_size": f"{workload.input_height}x{workload.input_width}",
            "hardware": hardware.name,
            "pes": hardware.array.pes,
            "clock_ghz": hardware.clock_ghz,
            "batch": workload.batch,
            "activation_bits": workload.activation_bits,
            "tau": result.run.tau,
            "tau_1x1": result.run.tau_1x1,
            "speedup": result.speedup,
            "scope": covered(result),
        },
        "bins": BINS,
        "timeline_left_out": left_out,
        "units": [{"unit": int(u), "name": u.name.lower(), "title": UNIT_LABELS[u]} for u in units],
        "parts": [{"part": part, "title": PART_TITLES[part]} for part in PARTS],
        "stages": stage_colours(result),
        "figures": [
            {"key": key, "name": name, "unit": unit, "source": source}
            for key, name, unit, source in FIGURES
        ],
        "runs": [
            {
                "name": name,
                "time": time,
                **_run(result, run, counts.sum(axis=1).tolist()),
                **({} if left_out else _timeline(run, units, progress)),
            }
            for run, name, time, counts in zip(
                runs, ("run", "baseline"), times, commands, strict=True
            )
        ],
        "roofline": _roofline(result),
        "what_helps": summary.get("what_helps", []),
        "what_helps_together": summary.get("what_helps_together", []),
        "energy": summary.get("energy"),
        "configuration": _with_links(_flat(result.configuration["hardware"]), hardware),
        "assumptions": [_assumption(one, hardware) for one in assumed],
        "notes": result.notes(),
        "versions": {
            "simulator": __version__,
            "engine": result.engine,
            "Python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
            "configuration (SHA-256)": result.config_sha256,
        },
    }


def _run(result: "Result", run: "Run", commands: list[int]) -> dict[str, Any]:
    """A run's numbers; `commands` by layer."""
    return {
        "title": run.title,
        "cycles": run.cycles,
        "time_ms": result.milliseconds(run.cycles),
        "dram_bytes": run.dram_bytes,
        "layers": [
            {**_layer(result, layer, parts), "commands": count}
            for layer, parts, count in zip(run.layers, run.attribution, commands, strict=True)
        ],
    }


def _timeline(run: "Run", units: list[Unit], progress: "Progress | None") -> dict[str, Any]:
    """A run's commands, from its trace."""
    stretches, path = path_stretches(run)
    return {
        "overview": overview(run, units),
        "path": {"count": stretches, "data": path},
        "spans": layer_spans(run, progress),
    }


def _layer(result: "Result", layer: LayerResult, parts: dict[Any, int]) -> dict[str, Any]:
    plan = layer.mapped.plan
    return {
        "layer": layer.name,
        "stage": layer.stage,
        "cycles": layer.cycles,
        "time_us": 1e3 * result.milliseconds(layer.cycles),
        "start_cycle": layer.start_cycle,
        "end_cycle": layer.end_cycle,
        "utilization": 100 * layer.utilization,
        "bound_by": bottleneck(layer.bound_by),
        "mode": mode_label(plan.mode),
        "dram_read_bytes": layer.dram_read_bytes,
        "dram_written_bytes": layer.dram_written_bytes,
        "macs": plan.batch * plan.layer.macs,
        "busy": {unit.name.lower(): busy for unit, busy in layer.busy_cycles.items() if busy},
        "parts": {part: cycles for part, cycles in parts.items() if cycles},
    }


def _roofline(result: "Result") -> dict[str, Any]:
    placed = roofline(result)
    return {
        "runs": [_points(points) for points in (placed.run, placed.baseline)],
        "roofs": [{"name": r.name, "macs_per_cycle": r.macs_per_cycle} for r in placed.roofs],
        "slopes": [{"name": s.name, "bytes_per_cycle": s.bytes_per_cycle} for s in placed.slopes],
        "bytes_per_cycle": placed.bytes_per_cycle,
    }


def _points(points: tuple[Point, ...]) -> list[list[float]]:
    return [[point.macs_per_byte, point.macs_per_cycle] for point in points]


def _flat(data: dict[str, Any], under: str = "") -> list[tuple[str, object]]:
    """Dotted keys and values."""
    rows: list[tuple[str, object]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{under}{key}.")
        else:
            rows.append((f"{under}{key}", "not set" if value is None else value))
    return rows


def _with_links(rows: list[tuple[str, object]], hardware: "Hardware") -> list[tuple[str, object]]:
    """Rows of keys and values, the expression beside the value of a linked key."""
    links = expressions(hardware)
    return [(key, f"{value} = {links[key]}" if key in links else value) for key, value in rows]


def _assumption(one: Assumption, hardware: "Hardware") -> dict[str, object]:
    """An assumption with the value in use, which `--set` may have changed."""
    from simulator.hardware import value_of

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
