"""Measure the fast engine on streaming pipelines, and its form for one lane.

    python benchmarks/pipelines.py

Prints a table. No result passes or fails. Machines are noisy: compare within one run. Seconds are
processor time of this process; the two forms of the engine take turns.
"""

import statistics
import time

from rich.console import Console
from rich.table import Table

from simulator import load_hardware, load_workload
from simulator.analysis.running import run_one
from simulator.engine import fast
from simulator.engine.warm import warm
from simulator.program import Program
from simulator.workload import configure

REPEATS = 5
CASES = (
    ("lfc-w1a1", "lfc-w1a1", 10_000),
    ("cnv-w1a1", "cnv-w1a1", 100),
    ("cnv-w1a1", "cnv-w1a1", 10_000),
    ("r18", "streaming-r18", 100),
)
"""Network, hardware, and images."""


def program_of(model: str, hardware: str, images: int) -> Program:
    """Return the program of a pipeline."""
    workload = configure(load_workload(model), bits=1, batch=images, scope="network")
    return run_one(workload, load_hardware(hardware)).mapping.program


def seconds(program: Program) -> tuple[float, float]:
    """Median processor time of a run, and of the same run in two lanes, in s."""
    one, two = [], []
    for _ in range(REPEATS):
        began = time.process_time()
        fast.totals(program, compiled=True)
        middle = time.process_time()
        fast.totals_together([program, program])
        one.append(middle - began)
        two.append(time.process_time() - middle)
    return statistics.median(one), statistics.median(two)


def main() -> None:
    warm()
    table = Table(
        "model", "hardware", "images", "commands per image", "images run", "one lane (s)",
        "two lanes (s)", "us per command",
        title=f"median of {REPEATS}; images run: commands that ran over those of an image",
    )  # fmt: skip
    for model, hardware, images in CASES:
        program = program_of(model, hardware, images)
        ran = fast.totals(program, compiled=True).ran
        one, two = seconds(program)
        each = program.commands / images
        table.add_row(
            model, hardware, f"{images:,}", f"{each:,.0f}", f"{ran / each:.1f}", f"{one:.2f}",
            f"{two:.2f}", f"{1e6 * one / ran:.3f}",
        )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
