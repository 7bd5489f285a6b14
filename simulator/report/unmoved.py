"""Reasons why a hardware setting had no effect, with the numbers of the run."""

import numpy as np

from simulator.hardware import Hardware, value_of
from simulator.hardware.config import DRAM_TABLE_KEYS, LUT_KEYS
from simulator.mapping.commands import Unit
from simulator.mapping.plan import LayerPlan
from simulator.report.notes import waits_for_windows
from simulator.report.result import Result, Run
from simulator.report.splits import port_losses
from simulator.report.wording import UNIT_LABELS, bottleneck, counted, kilobytes

_UNITS_OF = {
    "memory.dram": (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS),
    "memory.index_buffer": (Unit.INDEX_FETCH, Unit.DRAM_WEIGHTS),
    "memory.activation_buffer.bytes_per_cycle": (Unit.DOT, Unit.ACCUMULATE),
    "memory.activation_buffer": (Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS),
    "array.pe": (Unit.DOT, Unit.ACCUMULATE, Unit.DRAIN),
}


_NEVER_TIME = {
    "name": "it is only a label",
    "array.pe.partial_sum_bits": "the width of a sum affects energy and area, not time",
    "array.pe.subset_entries": "the store of the subset affects energy and area, not time",
}
"""Reasons of keys that no run's time depends on."""


def why_unmoved(key: str, result: Result, before: Result) -> str:
    """Return why `key` left time and speedup unchanged, as a clause that follows "because".

    Args:
        key: the dotted key.
        result: with the setting.
        before: without it.

    """
    if value_of(result.hardware, key) == value_of(before.hardware, key):
        return "the hardware file already has this value"
    idle = _idle(key, result.hardware)
    if idle:
        return idle
    plans = [
        mapped.plan
        for one in (result, before)
        for run in (one.run, one.baseline)
        for mapped in run.mapping.layers
    ]
    special = _special(key, plans) or _of_indices(key, plans) or _of_ports(key, result, before)
    if special:
        return special
    section = key.rpartition(".")[0]
    units = _UNITS_OF.get(key, _UNITS_OF.get(section, tuple(Unit)))
    shares = ", ".join(
        f"{UNIT_LABELS[unit]} {100 * _busy(result.run, unit):.0f} % "
        f"({100 * _busy(result.baseline, unit):.0f} % in the baseline)"
        for unit in units
    )
    bound = ", ".join(dict.fromkeys(bottleneck(layer.bound_by) for layer in result.run.layers))
    return f"other units hide it. Bottlenecks of the layers: {bound}. Busy time: {shares}"


def _idle(key: str, hardware: Hardware) -> str | None:
    """Return a reason that follows from the hardware alone, if any."""
    memory, (section, _, last) = hardware.memory, key.rpartition(".")
    if key in _NEVER_TIME:
        return _NEVER_TIME[key]
    if section == "array.pe" and last in LUT_KEYS and not hardware.array.pe.lut_size:
        return "it applies only with a LUT, and array.pe.lut_entries is none"
    if section == "memory.dram" and last in DRAM_TABLE_KEYS and memory.dram.timing == "fixed":
        return "it applies only with a DRAM table, and memory.dram.timing is fixed"
    if last == "banks" and memory.buffers[section].ports > 1:
        return f"it applies only with one port, and {section}.ports is 2"
    return None


def _special(key: str, plans: list[LayerPlan]) -> str | None:
    """Return a reason that follows from the plans alone, if any."""
    if key.startswith("full_precision.") and not any(p.mode == "mac" for p in plans):
        return "the run has no full-precision layer (--include-full-precision adds them)"
    table = [plan for plan in plans if plan.mode == "table"]
    if key in {"array.pe.lut_entries", "array.pe.lut_banks"} and not table:
        return "no layer uses the LUT"
    if key == "array.pe.lut_entries" and all(plan.pass_entries for plan in plans):
        largest = max(plan.layer.subset_size for plan in table)
        if all(len(plan.pass_entries) == 1 for plan in table):
            return (
                f"the largest subset ({counted(largest, 'entry', 'entries')}) fits in the LUT at "
                "both values"
            )
    if key == "array.pe.partial_sums":
        widest = max(plan.layer.out_channels // plan.layer.groups for plan in plans)
        if all(len(plan.blocks) == plan.layer.groups for plan in plans):
            return (
                f"the widest layer ({counted(widest, 'output channel')}) fits in one output block "
                "at both values"
            )
    if key == "memory.activation_buffer.bytes_per_cycle":
        return _of_windows([plan for plan in plans if plan.mode != "mac"])
    return None


def _of_windows(plans: list[LayerPlan]) -> str | None:
    """Return why the width of the activation buffer has no effect, if that is known."""
    if not plans:
        return "no layer reads windows"
    if any(waits_for_windows(plan) for plan in plans):
        return None
    most = max(int(plan.step_lines.max()) for plan in plans)
    return (
        f"every step reads its windows in at most {counted(most, 'cycle')}, while its dot products "
        "run"
    )


def _of_ports(key: str, result: Result, before: Result) -> str | None:
    """Return why ports and banks of a buffer have no effect, from the traces."""
    if key.rpartition(".")[2] not in {"ports", "banks"}:
        return None
    lost = [
        sum(int(port_losses(run.mapping, run.trace).sum()) for run in (one.run, one.baseline))
        for one in (before, result)
    ]
    if not any(lost):
        return "no read collides with a write to the same bank"
    return (
        "other units hide the cycles that reads lose to writes "
        f"({lost[0]:,} -> {lost[1]:,}, both runs together)"
    )


def _of_indices(key: str, plans: list[LayerPlan]) -> str | None:
    """Return a reason that follows from the indices; `plans`: with the setting, then without."""
    after, before = plans[: len(plans) // 2], plans[len(plans) // 2 :]
    table = [(a, b) for a, b in zip(after, before, strict=True) if "table" in {a.mode, b.mode}]
    if key in {"array.pe.lut_read_ports", "array.pe.lut_subbanks"}:
        if not table:
            return "no layer uses the LUT"
        if after[0].hardware.array.pe.accumulators == 1:
            return "one accumulator reads one entry per cycle"
        if all(np.array_equal(a.accumulate_table, b.accumulate_table) for a, b in table):
            return "accumulators wait equally long for their entries at both values"
    if key == "memory.index_buffer.encoding":
        stored = [sum(plan.weight_bytes + plan.subset_bytes for plan in p) for p in (before, after)]
        if all(plan.layer.kernels is None for plan in after):
            return "only shapes are known, and Huffman coding cannot shorten a uniform histogram"
        return (
            "other units hide the weight transfers (weights in DRAM: "
            f"{kilobytes(stored[0])} -> {kilobytes(stored[1])}, both runs together)"
        )
    return None


def _busy(run: Run, unit: Unit) -> float:
    """Fraction of the run in which a unit works."""
    return float(run.summary.busy[:, unit].sum() / max(1, run.cycles))
