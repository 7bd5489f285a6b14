"""Why a hardware setting changed nothing: the physics, with this run's own numbers."""

import numpy as np

from simulator.hardware import Hardware, value_of
from simulator.hardware.config import DRAM_TABLE_KEYS
from simulator.mapping.commands import Unit
from simulator.mapping.plan import LayerPlan
from simulator.report.layers import UNIT_TITLES
from simulator.report.notes import waits_for_windows
from simulator.report.result import Result, Run
from simulator.report.splits import port_losses

_UNITS_OF = {
    "memory.dram": (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS),
    "memory.index_buffer": (Unit.INDEX_FETCH, Unit.DRAM_WEIGHTS),
    "memory.activation_buffer.bytes_per_cycle": (Unit.DOT, Unit.ACCUMULATE),
    "memory.activation_buffer": (Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS),
    "array.pe": (Unit.DOT, Unit.ACCUMULATE, Unit.DRAIN),
}


def why_unmoved(key: str, result: Result, before: Result) -> str:
    """Say why `key` left time and speedup as they were.

    Args:
        key: the dotted key.
        result: with the setting.
        before: without it.

    """
    if value_of(result.hardware, key) == value_of(before.hardware, key):
        return "the hardware file has this value already"
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
        f"{UNIT_TITLES[unit]} {100 * _busy(result.run, unit):.0f} % "
        f"({100 * _busy(result.baseline, unit):.0f} % in the baseline)"
        for unit in units
    )
    bound = ", ".join(dict.fromkeys(layer.bound_by for layer in result.run.layers))
    return f"other units hide it. The layers are bound by {bound}; busy are: {shares}"


def _idle(key: str, hardware: Hardware) -> str | None:
    """Reasons that lie in the hardware alone."""
    memory, (section, _, last) = hardware.memory, key.rpartition(".")
    if key == "name":
        return "it is a label"
    if key == "array.pe.partial_sum_bits":
        return "a sum's width counts for energy and area, not for time"
    if section == "memory.dram" and last in DRAM_TABLE_KEYS and memory.dram.timing == "fixed":
        return "it has an effect only with a DRAM table, memory.dram.timing is fixed"
    if last == "banks" and memory.buffers[section].ports > 1:
        return f"it has an effect only with one port, {section}.ports is 2"
    return None


def _special(key: str, plans: list[LayerPlan]) -> str | None:
    """Reasons that need no trace."""
    if key.startswith("full_precision.") and not any(p.mode == "mac" for p in plans):
        return "no full-precision layer is in this run (--include-full-precision adds them)"
    table = [plan for plan in plans if plan.mode == "table"]
    if key in {"array.pe.lut_entries", "array.pe.lut_banks"} and not table:
        return "no layer uses the table"
    if key == "array.pe.lut_entries":
        largest = max(plan.layer.subset_size for plan in table)
        if all(len(plan.pass_entries) == 1 for plan in table):
            return f"the largest subset, {largest} kernels, fits the table with and without it"
    if key == "array.pe.partial_sums":
        widest = max(plan.layer.out_channels // plan.layer.groups for plan in plans)
        if all(len(plan.blocks) == plan.layer.groups for plan in plans):
            return f"the widest layer, {widest} output channels, fits one block with and without it"
    if key == "memory.activation_buffer.bytes_per_cycle":
        return _of_windows([plan for plan in plans if plan.mode != "mac"])
    return None


def _of_windows(plans: list[LayerPlan]) -> str | None:
    """Reasons of the activation buffer's width."""
    if not plans:
        return "no layer reads windows"
    if any(waits_for_windows(plan) for plan in plans):
        return None
    most = max(int(plan.step_lines.max()) for plan in plans)
    return f"a step's windows are read in {most} cycles at most, while its dot products are made"


def _of_ports(key: str, result: Result, before: Result) -> str | None:
    """Reasons of a buffer's ports and banks, from the traces."""
    if key.rpartition(".")[2] not in {"ports", "banks"}:
        return None
    lost = [
        sum(int(port_losses(run.mapping, run.trace).sum()) for run in (one.run, one.baseline))
        for one in (before, result)
    ]
    if not any(lost):
        return "no read meets a write of its bank"
    return (
        f"reads lose {lost[0]:,} -> {lost[1]:,} cycles to writes (both runs), but other units "
        "hide them"
    )


def _of_indices(key: str, plans: list[LayerPlan]) -> str | None:
    """Reasons that lie in the indices; the plans are those with the setting, then those without."""
    after, before = plans[: len(plans) // 2], plans[len(plans) // 2 :]
    table = [(a, b) for a, b in zip(after, before, strict=True) if "table" in {a.mode, b.mode}]
    if key in {"array.pe.lut_read_ports", "array.pe.lut_subbanks"}:
        if not table:
            return "no layer uses the table"
        if after[0].hardware.array.pe.accumulators == 1:
            return "one accumulator reads one entry a cycle"
        if all(np.array_equal(a.accumulate_table, b.accumulate_table) for a, b in table):
            return "accumulators wait for their entries as long with it as without it"
    if key == "memory.index_buffer.encoding":
        stored = [sum(plan.weight_bytes + plan.subset_bytes for plan in p) for p in (before, after)]
        if all(plan.layer.kernels is None for plan in after):
            return (
                "only shapes are known, no indices, and a uniform histogram gives Huffman coding "
                "nothing to gain"
            )
        return (
            f"weights take {stored[0] / 1e3:.1f} -> {stored[1] / 1e3:.1f} kB in DRAM (both runs), "
            "but reading them is hidden behind other units"
        )
    return None


def _busy(run: Run, unit: Unit) -> float:
    """Share of the whole run in which a unit works."""
    return float(run.summary.busy[:, unit].sum() / max(1, run.cycles))
