"""A result as plain data, for `--json` and `summary.json`."""

from dataclasses import asdict
from typing import Any

from msgspec import to_builtins

from simulator.analysis.attribution import total
from simulator.analysis.energy import summary as energy_summary
from simulator.analysis.interval import limit_of
from simulator.analysis.notes import notes_of
from simulator.analysis.outcome import PREFIXES, RUNS, Outcome
from simulator.analysis.schema import FINGERPRINT, SCHEMA, fingerprint
from simulator.analysis.settings import expressions
from simulator.analysis.stages import stage_times
from simulator.analysis.title import scope_data, shortcut_data
from simulator.base.version import __version__


def summary_of(result: Outcome, *, why: bool = False) -> dict[str, Any]:
    """Return the result as one JSON object; the README describes its fields.

    Args:
        result: the result of a simulation.
        why: add the cycles of every layer by category.

    """
    summary = _plain_summary(result)
    if why:
        summary["attribution"] = total(result.run.attribution)
        if result.baseline is not None:
            summary["baseline"]["attribution"] = total(result.baseline.attribution)
        by_run = zip(*(run.attribution for run in result.runs), strict=True)
        for layer, sides in zip(summary["layers"], by_run, strict=True):
            for prefix, parts in zip(PREFIXES, sides, strict=False):
                layer[f"{prefix}attribution"] = parts
    if result.effects:
        summary["what_helps"] = [
            {**asdict(effect), "sentences": effect.sentences} for effect in result.effects
        ]
        summary["what_helps_together"] = [
            {**asdict(joint), "sentence": joint.sentence} for joint in result.together
        ]
    return summary


def saved_form(result: Outcome, *, wider: bool = False) -> dict[str, Any]:
    """Return the contents of `summary.json`: the summary with attribution, and its inputs.

    Args:
        result: the result of a simulation.
        wider: add what a wider scope gives, if layers are left out.

    """
    more = result.wider if wider else None
    source = result.run.workload.source
    saved = {
        **summary_of(result, why=True),
        **({"model_file": source.plain()} if source else {}),
        "configuration": result.configuration,
        **({"wider": more.plain()} if more else {}),
    }
    return {**saved, FINGERPRINT: fingerprint(saved)}


def _plain_summary(result: Outcome) -> dict[str, Any]:
    columns = ("stage", "cycles", "baseline_cycles", "speedup", "utilization", "bound_by")
    return {
        "schema": SCHEMA,
        "model": result.run.workload.name,
        "bits": result.run.bits,
        "tau": result.run.tau,
        "tau_1x1": result.run.tau_1x1,
        "activation_bits": result.run.workload.widest_activation,
        **shortcut_data(result.run.workload),
        "batch": result.run.workload.batch,
        "input_size": [result.run.workload.input_height, result.run.workload.input_width],
        "hardware": result.hardware.name,
        "engine": result.engine,
        "scope": scope_data(result),
        "cycles": result.run.cycles,
        "time_ms": result.time_ms,
        **_baseline(result),
        "dram_bytes": result.run.dram_bytes,
        "performance": performance_data(result),
        **_pipeline(result),
        "layers": [
            {"name": row["layer"], **{column: row[column] for column in columns if column in row}}
            for row in result.layer_rows()
        ],
        "area_gate_equivalents": {**result.area, "total": sum(result.area.values())},
        **({"energy": energy_summary(result.runs, result.energy)} if result.energy else {}),
        "settings": [effect.plain() for effect in result.settings],
        **({"categories": own} if (own := _own_categories(result)) else {}),
        **({"links": links} if (links := expressions(result.hardware)) else {}),
        "notes": notes_of(result),
        **({"check": result.check.plain()} if result.check else {}),
        "version": __version__,
        "config_sha256": result.config_sha256,
    }


def _pipeline(result: Outcome) -> dict[str, Any]:
    """The images, the limit, and the units of pipelines; nothing if layers run one by one."""
    return {
        key: {
            **run.images.plain(),
            "limit": limit_of(run).plain(),
            "units": [one.plain() for one in stage_times(run)],
        }
        for key, run in zip(("pipeline", "baseline_pipeline"), result.runs, strict=False)
        if run.images is not None
    }


def _own_categories(result: Outcome) -> list[dict[str, Any]]:
    """Return the categories of all runs that depend on the network."""
    known = {category.name for category in result.run.family.categories}
    terms = dict.fromkeys(one for run in result.runs for one in run.vocabulary.categories)
    return [to_builtins(one) for one in terms if one.name not in known]


def _baseline(result: Outcome) -> dict[str, Any]:
    """The baseline's totals and the speedup; nothing without a baseline."""
    base = result.baseline
    if base is None:
        return {}
    return {
        "speedup": result.speedup,
        "baseline": {
            "bits": base.bits,
            "cycles": base.cycles,
            "time_ms": result.milliseconds(base.cycles),
            "dram_bytes": base.dram_bytes,
        },
    }


def performance_data(result: Outcome) -> dict[str, Any]:
    """Return the performance of every run as plain data, with the meaning of an operation.

    Args:
        result: the result of a simulation.

    """
    sides = zip(RUNS, result.performance, strict=False)
    return {
        "operations_counted": result.operations_counted,
        **{name: one.plain() for name, one in sides},
    }
