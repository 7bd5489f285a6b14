"""Reasons why a changed key of the hardware file has no effect, with the numbers of the runs."""

import numpy as np

from simulator.base.wording import counted, kilobytes
from simulator.dram.section import DRAM_TABLE_KEYS
from simulator.machines.family import Change
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.notes import waits_for_windows
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.schema import LUT_KEYS, LutArray

_NEVER_TIME = {
    "name": "it is only a label",
    "array.pe.partial_sum_bits": "the width of a sum affects energy and area, not time",
    "array.pe.subset_entries": "the store of the subset affects energy and area, not time",
}
"""Keys that never affect the time of a run, with the reasons."""


def why_no_effect(change: Change[MappedLayer]) -> str | None:
    """Return the reason why a key changes no cycle, as a clause; None without a special reason.

    Args:
        change: the change of the key.

    """
    hardware = change.after[0].mapping.hardware
    assert isinstance(hardware, LutArray)
    idle = _idle(change.key, hardware)
    if idle:
        return idle
    layers = change.after[0].mapping.layers
    plans = [
        mapped.plan
        for runs in (change.after, change.before)
        for run in runs
        for mapped in run.mapping.weighted
    ]
    key = change.key
    if key == "overlap" and sum(one.section.commands > 0 for one in layers) < 2:
        return "the run has one layer"
    both = ", both runs together" if len(change.after) > 1 else ""
    return _special(key, plans) or _of_indices(key, plans, both) or _of_ports(change, both)


def _idle(key: str, hardware: LutArray) -> str | None:
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
        return "the run has no full-precision layer (--scope weights adds them)"
    table = [plan for plan in plans if plan.mode == "lut"]
    if key in {"array.pe.lut_entries", "array.pe.lut_banks"} and not table:
        return "no layer uses the LUT"
    if key == "array.pe.lut_entries" and all(p.hardware.array.pe.lut_size for p in plans):
        largest = max(plan.layer.subset_size for plan in table)
        if all(len(plan.pass_entries) == 1 for plan in table):
            return (
                f"the largest subset ({counted(largest, 'entry', 'entries')}) fits in the LUT at "
                "both values"
            )
    if key == "array.pe.partial_sums":
        return _of_blocks(plans)
    if key == "memory.activation_buffer.bytes_per_cycle":
        return _of_windows([plan for plan in plans if plan.mode != "mac"])
    return None


def _of_blocks(plans: list[LayerPlan]) -> str | None:
    """Return a reason if no output block changes; `plans`: with the override, then without."""
    after, before = plans[: len(plans) // 2], plans[len(plans) // 2 :]
    widest = max(plan.layer.out_channels // plan.layer.groups for plan in plans)
    if all(len(plan.blocks) == plan.layer.groups for plan in plans):
        return (
            f"the widest layer ({counted(widest, 'output channel')}) fits in one output block at "
            "both values"
        )
    if all(a.blocks == b.blocks for a, b in zip(after, before, strict=True)):
        most = max(len(plan.blocks) // plan.layer.groups for plan in plans)
        return (
            f"the widest layer ({counted(widest, 'output channel')}) takes "
            f"{counted(most, 'output block')} at both values"
        )
    return None


def _of_windows(plans: list[LayerPlan]) -> str | None:
    """Return a reason why the width of the activation buffer has no effect, if any."""
    if not plans:
        return "no layer reads windows"
    if any(waits_for_windows(plan) for plan in plans):
        return None
    most = max(int(plan.step_words.max()) for plan in plans)
    return (
        f"every step reads its windows in at most {counted(most, 'cycle')}, while its dot products "
        "run"
    )


def _of_ports(change: Change[MappedLayer], both: str) -> str | None:
    """Return a reason why ports and banks have no effect, from the cycles that reads lost."""
    if change.key.rpartition(".")[2] not in {"ports", "banks"}:
        return None
    lost = [
        sum(int(run.summary.lost.sum()) for run in runs) for runs in (change.before, change.after)
    ]
    if not any(lost):
        return "no read collides with a write to the same bank"
    return (
        f"other units hide the cycles that reads lose to writes ({lost[0]:,} -> {lost[1]:,}{both})"
    )


def _of_indices(key: str, plans: list[LayerPlan], both: str) -> str | None:
    """Return a reason that follows from the indices; `plans`: with the override, then without."""
    after, before = plans[: len(plans) // 2], plans[len(plans) // 2 :]
    table = [(a, b) for a, b in zip(after, before, strict=True) if "lut" in {a.mode, b.mode}]
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
            return (
                "the workload has only shapes, and Huffman coding cannot shorten a uniform "
                "histogram"
            )
        return (
            "other units hide the weight transfers (weights in DRAM: "
            f"{kilobytes(stored[0])} -> {kilobytes(stored[1])}{both})"
        )
    return None
