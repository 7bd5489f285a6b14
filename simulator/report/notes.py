"""Sentences that belong beside the numbers."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from simulator.mapping import MappedLayer
from simulator.report.settings import SettingEffect

if TYPE_CHECKING:
    from simulator.report.result import Run


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


def _named(names: list[str], layers: int) -> str:
    which = "all layers" if len(names) == layers else ", ".join(names[:4])
    return which + (f" and {len(names) - 4} more" if 4 < len(names) < layers else "")


def _of_run(run: "Run") -> list[str]:
    rules: tuple[tuple[str, Callable[[MappedLayer], bool]], ...] = (
        (
            "run directly, kernels expanded from the subset: the table saves no cycles",
            lambda m: m.plan.mode == "direct" and m.plan.layer.tau is not None,
        ),
        (
            "in several passes, the subset being larger than the table; outputs are taken to "
            "spread evenly over the passes (the workload has shapes, no indices)",
            lambda m: m.plan.mode == "table" and len(m.plan.pass_entries) > 1,
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
            texts.append(f"{_named(names, len(layers))} {text}")
    return texts
