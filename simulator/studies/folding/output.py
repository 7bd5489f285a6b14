"""Output of a folding search: a table for people, files for programs."""

import json
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from simulator.analysis.title import settings
from simulator.base.lines import print_line
from simulator.base.wording import counted, listed
from simulator.base.writing import folder_for, write_files
from simulator.machines.loading import with_expressions
from simulator.report.tables import Column, Table, print_table
from simulator.studies.folding.result import Folding

FILES = ("found.yaml", "search.json")


def print_folding(result: Folding, console: Console) -> None:
    """Print the stages, then the result in sentences."""
    print_table(_table(result), console)
    print_line(console, "")
    for line in sentences(result):
        print_line(console, line)


def _table(result: Folding) -> Table:
    stages = result.stages
    goal = {
        "area": f"least area with at least {result.limit:,g} images/s",
        "rate": f"highest rate within {result.limit:,.0f} gate equivalents",
    }[result.objective]
    workload = result.run.workload
    return Table(
        title=f"{workload.title}, {result.run.title}, on {result.hardware.name}: {goal}"
        f"{settings(workload)}",
        columns=[
            Column(title="layer", cells=[one.layer for one in stages], kind="name"),
            *(
                Column(title=key, cells=[str(one.fold.get(key, "")) for one in stages])
                for key in ("pe", "simd", "dots")
            ),
            Column(title="cycles", cells=[f"{one.cycles:,}" for one in stages]),
            Column(title="area (GE)", cells=[f"{one.area:,}" for one in stages]),
        ],
    )


def sentences(result: Folding) -> list[str]:
    """Return the result, and which part of it is exact, in sentences."""
    depths = result.depths
    lines = [
        f"found: {result.rate:,.1f} images/s, interval {depths.interval:,} cycles, "
        f"{result.area:,} gate equivalents",
        _interval(result),
        _exact(result),
    ]
    if depths.deepened:
        named = [f"{name} {words:,}" for name, words in depths.deepened.items()]
        lines.append(f"words of deeper FIFOs: {', '.join(named)}")
    lines.append(
        f"depths of FIFOs: bounded, not exact, from {counted(depths.runs, 'run')} of "
        f"{result.run.workload.batch} images; other depths of less area may suffice"
    )
    if result.skipped:
        tried = counted(result.skipped, "folding")
        lines.append(f"{tried} tried before failed with their own FIFOs: bounded, not exact")
    if result.kept:
        lines.append(f"folds of the hardware file that stay: {listed(list(result.kept))}")
    return lines


def _interval(result: Folding) -> str:
    depths = result.depths
    names = listed(list(depths.slowest))
    if depths.interval == depths.least:
        unit = "the slowest unit" if len(depths.slowest) == 1 else "the slowest units"
        return f"the interval is that of {names}, {unit}"
    return (
        f"the interval is {depths.interval - depths.least:,} cycles longer than that of {names}, "
        f"{depths.least:,} cycles; deeper FIFOs do not shorten it"
    )


def _exact(result: Folding) -> str:
    if result.objective == "area":
        return (
            f"exact: with at most {result.cycles:,} cycles, the stages alone take at least "
            f"{result.bound:,.0f} gate equivalents; converters and FIFOs between stages add to it"
        )
    return (
        f"exact: no folding of this area exceeds {result.bound:,.1f} images/s, even without "
        "converters and FIFOs between stages"
    )


def save_folding(result: Folding, folder: Path) -> list[Path]:
    """Write found.yaml, a hardware file, and search.json.

    Raises:
        InputError: the folder cannot be written.

    """
    texts = {
        "found.yaml": hardware_text(result),
        "search.json": json.dumps(result.summary(), indent=2) + "\n",
    }
    writers = {
        name: lambda path, text=text: path.write_text(text, encoding="utf-8")
        for name, text in texts.items()
    }
    return write_files(folder_for("search.json", folder), writers)


def hardware_text(result: Folding) -> str:
    """Return the text of a hardware file that loads as the pipeline found."""
    data = _without_empty(with_expressions(result.hardware))
    workload = result.run.workload
    head = (
        f"# Found by simulate search for {workload.name} at {result.run.bits:g} bits per weight: "
        f"{result.rate:,.1f} images/s.\n"
    )
    return head + yaml.safe_dump(data, sort_keys=False)


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """Return plain data without keys that have no value, which a file leaves out."""
    kept = {k: _without_empty(v) if isinstance(v, dict) else v for k, v in data.items()}
    return {key: value for key, value in kept.items() if value is not None and value != {}}
