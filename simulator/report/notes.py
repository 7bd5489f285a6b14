"""Sentences that belong beside the numbers."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.mapping import MappedLayer
from simulator.mapping.banks import bank_of
from simulator.mapping.plan import LayerPlan
from simulator.report.settings import SettingEffect

if TYPE_CHECKING:
    from simulator.report.result import Run


def notes(run: "Run", baseline: "Run", settings: Iterable[SettingEffect]) -> list[str]:
    """What the mapper had to do, per run, and what each setting did."""
    texts = [f"{r.title}: {text}" for r in (run, baseline) for text in _of_run(r)]
    return texts + [effect.sentence for effect in settings]


def _of_run(run: "Run") -> list[str]:
    rules: tuple[tuple[str, Callable[[MappedLayer], bool]], ...] = (
        (
            "run directly, kernels expanded from the subset: the table saves no cycles",
            lambda m: m.plan.mode == "direct" and m.plan.layer.tau is not None,
        ),
        (
            "in several passes, the subset being larger than the table; outputs are taken to "
            "spread evenly over the passes (the workload has shapes, no indices)",
            lambda m: _in_passes(m) and m.plan.layer.kernels is None,
        ),
        (
            "in several passes, the subset being larger than the table; each takes as long as the "
            "input unit with the most outputs in it",
            lambda m: _in_passes(m) and m.plan.layer.kernels is not None,
        ),
        (
            "wait for the table's ports or sub-banks as uniformly random indices would on average "
            "(the workload has shapes, no indices)",
            lambda m: _in_conflict(m) and m.plan.layer.kernels is None,
        ),
        (
            "wait for the table's ports or sub-banks where their indices meet",
            lambda m: _in_conflict(m) and m.plan.layer.kernels is not None,
        ),
        (
            "stored at fixed length: the workload has shapes, no indices, and a uniform histogram "
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
        names = [m.plan.layer.name for m in layers if holds(m)]
        if names:
            which = "all layers" if len(names) == len(layers) else ", ".join(names[:4])
            more = f" and {len(names) - 4} more" if 4 < len(names) < len(layers) else ""
            texts.append(f"{which}{more} {text}")
    return texts + _coded([m.plan for m in layers if m.plan.huffman])


def _in_passes(mapped: MappedLayer) -> bool:
    return mapped.plan.mode == "table" and len(mapped.plan.pass_entries) > 1


def _in_conflict(mapped: MappedLayer) -> bool:
    bank = bank_of(mapped.plan.hardware)
    return mapped.plan.mode == "table" and not bank.always_in_a_cycle


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
