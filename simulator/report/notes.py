"""Sentences that belong beside the numbers."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulator.mapping import MappedLayer
from simulator.mapping.banks import bank_of
from simulator.mapping.commands import Unit
from simulator.mapping.plan import LayerPlan
from simulator.report.settings import SettingEffect
from simulator.report.splits import port_losses
from simulator.report.tiling import tiling_notes

if TYPE_CHECKING:
    from simulator.report.result import Run


_READ_BY = {Unit.INDEX_FETCH: "index", Unit.DOT: "activation"}


def notes(run: "Run", baseline: "Run", settings: Iterable[SettingEffect]) -> list[str]:
    """What the mapper had to do, per run, and what each setting did."""
    texts = [f"{r.title}: {text}" for r in (run, baseline) for text in _of_run(r)]
    texts += [f"{r.title}: {text}" for r in (run, baseline) for text in _dropped_kernels(r)]
    return texts + [effect.sentence for effect in settings]


def _dropped_kernels(run: "Run") -> list[str]:
    """Kernels that the workload has, but not for this run's tau; at 1 bit any kernel may occur."""
    sub_bit = {layer.name for layer in run.workload.binary_layers if layer.tau is not None}
    names = [name for name in run.workload.kernels_dropped if name in sub_bit]
    if not names:
        return []
    return [
        f"{_named(names, len(run.workload.layers))} by shape alone, indices taken to spread evenly "
        "over the subset: the workload's own kernels have another tau"
    ]


def _of_run(run: "Run") -> list[str]:
    rules: tuple[tuple[str, Callable[[MappedLayer], bool]], ...] = (
        (
            "run directly, kernels expanded from the subset: the table saves no cycles",
            lambda m: m.plan.mode == "direct" and m.plan.layer.tau is not None,
        ),
        (
            "in several passes, the subset being larger than the table; outputs are taken to "
            "spread evenly over the passes (only shapes are known, no indices)",
            lambda m: _in_passes(m) and m.plan.layer.kernels is None,
        ),
        (
            "in several passes, the subset being larger than the table; each takes as long as the "
            "input unit with the most outputs in it",
            lambda m: _in_passes(m) and m.plan.layer.kernels is not None,
        ),
        (
            "stored at fixed length: only shapes are known, no indices, and a uniform histogram "
            "gives Huffman coding nothing to gain",
            lambda m: (
                m.plan.hardware.memory.index_buffer.encoding == "huffman"
                and m.plan.mode != "mac"
                and not m.plan.huffman
            ),
        ),
        (
            "weights read again for every row of output: index_buffer.kib does not hold the layer",
            lambda m: m.weights == "row" and m.plan.pixel_steps > m.plan.steps_per_row,
        ),
        (
            "weights read again for every step: index_buffer.kib does not hold one block",
            lambda m: m.weights == "step",
        ),
        (
            "inputs read again for every block and row: activation_buffer.kib does not hold two "
            "rows' inputs",
            lambda m: m.inputs in {"double", "single"},
        ),
        (
            "inputs read again for every step: activation_buffer.kib does not hold one transfer's",
            lambda m: m.inputs == "step",
        ),
    )
    layers = run.mapping.layers
    texts = []
    for text, holds in rules:
        chosen = [m for m in layers if holds(m)]
        if chosen:
            texts.append(f"{_named(_names(chosen), len(layers))} {text}")
    coded = _coded([m.plan for m in layers if m.plan.huffman])
    conflicts = _conflicts(layers) + _narrow(layers) + _port_conflicts(run)
    return texts + conflicts + coded + list(tiling_notes(run.layers))


def _named(names: Sequence[str], of: int) -> str:
    """The layers by name, the first few of many; all of them if they are."""
    if len(names) == of:
        return "all layers"
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def _names(chosen: Sequence[MappedLayer]) -> list[str]:
    return [mapped.plan.layer.name for mapped in chosen]


def _in_passes(mapped: MappedLayer) -> bool:
    return mapped.plan.mode == "table" and len(mapped.plan.pass_entries) > 1


def _conflicts(layers: Sequence[MappedLayer]) -> list[str]:
    """How much longer accumulates take than with a bank that serves any bunch in a cycle."""
    texts = []
    for real, why in (
        (False, "as uniformly random indices would on average (only shapes are known, no indices)"),
        (True, "where their indices meet"),
    ):
        chosen = [
            m
            for m in layers
            if m.plan.mode == "table"
            and not bank_of(m.plan.hardware).always_in_a_cycle
            and (m.plan.layer.kernels is not None) == real
        ]
        if chosen:
            with_waits = sum(int(m.plan.accumulate_table.sum()) for m in chosen)
            without = sum(int(m.plan.unhindered_table.sum()) for m in chosen)
            texts.append(
                f"{_named(_names(chosen), len(layers))} wait for the table's ports or sub-banks "
                f"{why}: "
                f"their accumulates take {with_waits / max(1, without):.2f} times as long"
            )
    return texts


def _narrow(layers: Sequence[MappedLayer]) -> list[str]:
    """How much longer steps read their windows than their dot products take."""
    waiting = [m for m in layers if m.plan.mode != "mac" and waits_for_windows(m.plan)]
    if not waiting:
        return []
    pairs = [np.broadcast_arrays(m.plan.step_dots[:, None], m.plan.step_lines) for m in waiting]
    dots = sum(int(dots.sum()) for dots, _ in pairs)
    taken = sum(int(np.maximum(dots, lines).sum()) for dots, lines in pairs)
    return [
        f"{_named(_names(waiting), len(layers))} wait for their windows, "
        "activation_buffer.bytes_per_cycle being less than they need: "
        f"the fills or direct steps that read them take {taken / dots:.2f} times as long"
    ]


def _port_conflicts(run: "Run") -> list[str]:
    """What reads of a buffer with one port lost, on the critical path or not."""
    memory = run.mapping.layers[0].plan.hardware.memory
    if all(buffer.ports > 1 for buffer in memory.buffers.values()):
        return []
    lost, program = port_losses(run.mapping, run.trace), run.trace.program
    return [
        f"reads of the {_READ_BY[Unit(port.reader)]} buffer lose {cycles:,} cycles to writes"
        for port in program.ports
        if (cycles := int(lost[program.unit == port.reader].sum()))
    ]


def waits_for_windows(plan: LayerPlan) -> bool:
    """Whether a step's windows take more cycles to read than its dot products to make."""
    return bool(plan.step_lines.max() > plan.step_dots.min())


def _coded(plans: list[LayerPlan]) -> list[str]:
    """What Huffman coding saves, in layers that have indices."""
    if not plans:
        return []
    stored = sum(plan.weight_bytes + plan.code_bytes for plan in plans)
    fixed = sum(int(plan.chunk_table.sum()) for plan in plans)
    which = "1 layer" if len(plans) == 1 else f"{len(plans)} layers"
    return [
        f"{which} Huffman-coded: indices and code lengths take {stored / 1e3:.1f} kB "
        f"instead of {fixed / 1e3:.1f} kB"
    ]
