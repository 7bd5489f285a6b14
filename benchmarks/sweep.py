"""Design points per second of a study, its own cost per point, and its memory by size.

    python benchmarks/sweep.py [POINTS ...]

Prints a table; nothing here passes or fails. Machines are noisy: compare within one run. Every
line is a process of its own, on one core. "Own cost" repeats a study whose runs are remembered, so
what is left is hardware variants, baselines, rows, files, summary and plots.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.table import Table

from simulator.report.result import Run
from simulator.run import run_one
from simulator.sweep import Study, evaluate, grid_study, run_study
from simulator.sweep.axes import axis, setting_axis

MODELS = ("r18", "r20")
BITS = "1,0.67,0.56,0.44"
SIMULATED = 400
"""Points that are simulated for the rate of real runs."""


def study(model: str, points: int) -> Study:
    """PEs x DRAM rate x bits, about as many points as asked for."""
    rates = ceil(points / 4 / 32)
    axes = [axis("hw", "cofluent64"), axis("model", model), axis("bits", BITS)]
    axes.append(setting_axis("array.pes=16:512:+16"))
    axes.append(setting_axis(f"memory.dram.bytes_per_cycle=1:{rates}:+1"))
    return grid_study(axes)


def remembering() -> object:
    """`run_one`, but every workload is run once, on the hardware it first meets."""
    known: dict[float, Run] = {}

    def run(workload: object, hardware: object, engine: str) -> Run:
        bits = workload.bits  # type: ignore[attr-defined] # a Workload
        if bits not in known:
            known[bits] = run_one(workload, hardware, engine)  # type: ignore[arg-type]
        return known[bits]

    return mock.patch.object(evaluate, "run_one", run)


def one(model: str, points: int, own: bool) -> None:
    """Measure one study in this process; print JSON."""
    made = study(model, points)
    evaluate.evaluate_chunk(made.payload, 0, [next(iter(made.points))])  # load what is compiled
    evaluate._evaluator.cache_clear()
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        if own:
            with remembering():  # type: ignore[attr-defined] # a context manager
                run_study(made, Path(folder), jobs=1)
        else:
            evaluate.evaluate_chunk(made.payload, 0, list(made.points))
        seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"points": len(made.points), "seconds": seconds, "peak": peak}))


def main(counts: list[int]) -> None:
    """Measure all and print a table."""
    table = Table(
        "what", "model", "points", "CPU s", "points/s per core", "ms per point", "peak MB"
    )
    lines = [("simulated", model, SIMULATED) for model in MODELS]
    lines += [("own cost", "r18", count) for count in counts]
    for what, model, points in lines:
        command = [sys.executable, __file__, what, model, str(points)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        said = json.loads(done.stdout)
        table.add_row(
            what, model, f"{said['points']:,}", f"{said['seconds']:.1f}",
            f"{said['points'] / said['seconds']:,.0f}",
            f"{1e3 * said['seconds'] / said['points']:.3f}", f"{said['peak']:.0f}",
        )  # fmt: skip
    Console(width=110).print(table)


if __name__ == "__main__":
    if sys.argv[1:2] in (["simulated"], ["own cost"]):
        one(sys.argv[2], int(sys.argv[3]), own=sys.argv[1] == "own cost")
    else:
        main([int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000])
