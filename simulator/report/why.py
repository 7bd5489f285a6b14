"""What the cycles were spent on, as a table in the terminal."""

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from simulator.report.attribution import PART_TITLES, PARTS, Attribution, Part, total
from simulator.report.effects import Effect

if TYPE_CHECKING:
    from simulator.report.result import Result, Run


def print_attribution(result: "Result", console: Console) -> None:
    """Print one table per run: cycles of every layer by part; parts without cycles are left out."""
    for run in (result.run, result.baseline):
        console.print(_table(run))


def print_effects(result: "Result", console: Console) -> None:
    """Print what halving and doubling each key does, the largest effect first, with reasons."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=f"What would help: {result.run.title} took {result.time_ms:.4f} ms; its time with "
        "one key of the hardware halved, and doubled",
        title_justify="left",
    )
    table.add_column("key", no_wrap=True)
    for title in ("value", "halved", "ms", "change %", "doubled", "ms", "change %"):
        table.add_column(title, justify="right")
    for key in result.effects:
        cells = (*_effect_cells(key.halved), *_effect_cells(key.doubled))
        table.add_row(key.key, f"{key.value:g}", *cells)
    console.print(table)
    for key in result.effects:
        for sentence in key.sentences:
            console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _effect_cells(effect: Effect) -> tuple[str, str, str]:
    if effect.time_ms is None or effect.change is None:
        return f"{effect.value:g}", "not possible", ""
    return f"{effect.value:g}", f"{effect.time_ms:.4f}", f"{100 * effect.change:+.2f}"


def _table(run: "Run") -> Table:
    whole = total(run.attribution)
    parts = [part for part in PARTS if whole[part]]
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=f"{run.title}: cycles of every layer along its critical path",
        title_justify="left",
    )
    table.add_column("layer", no_wrap=True)
    for title in ("cycles", *(PART_TITLES[part] for part in parts)):
        table.add_column(title, justify="right")
    for layer, attribution in zip(run.layers, run.attribution, strict=True):
        table.add_row(layer.name, *_cells(attribution, parts))
    table.add_section()
    table.add_row("TOTAL", *_cells(whole, parts), style="bold")
    shares = (f"{100 * whole[part] / max(1, run.cycles):.2f}" for part in parts)
    table.add_row("% of the run", "100.00", *shares)
    return table


def _cells(attribution: Attribution, parts: list[Part]) -> list[str]:
    return [f"{n:,}" for n in (sum(attribution.values()), *(attribution[part] for part in parts))]
