"""What the cycles were spent on, as a table in the terminal."""

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from simulator.report.attribution import PART_TITLES, PARTS, Attribution, Part, total

if TYPE_CHECKING:
    from simulator.report.result import Result, Run


def print_attribution(result: "Result", console: Console) -> None:
    """Print one table per run: cycles of every layer by part; parts without cycles are left out."""
    for run in (result.run, result.baseline):
        console.print(_table(run))


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
