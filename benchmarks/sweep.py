"""Design points per second of a study, its own cost per point, and its memory by size.

    python benchmarks/sweep.py [POINTS ...]

Prints a table; no result passes or fails. Machines are noisy: compare within one run. Every line
runs as its own process, on one core. "Own cost" repeats a study with remembered runs. The remaining
time is for hardware variants, baselines, rows, files, summary and plots.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from math import ceil
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.table import Table

from simulator.analysis.running import run_together
from simulator.machines import Hardware
from simulator.studies import Study, evaluate, grid_study, run_study
from simulator.studies.axes import axis, setting_axis
from simulator.workload import Workload

BITS = "1,0.67,0.56,0.44"
SIMULATED = 16_384
"""Number of simulated points in a measurement of real runs."""
AXES = {
    "PEs x rates": ("array.pes=16:512:+16", "memory.dram.bytes_per_cycle", 1),
    "rates": ("memory.dram.latency_cycles=20:320:+20", "memory.dram.bytes_per_cycle", 1),
    "PEs x bursts": ("memory.dram.burst_bytes=16:128:x2", "array.pes", 16),
}
"""First axis, and the key and first value of a second axis.

The second axis is long enough for about the requested number of points. No two points of PEs x
bursts have loops in common.
"""


def study(model: str, kind: str, points: int) -> Study:
    """A study on a grid of two hardware axes and bits."""
    first, (key, begin) = setting_axis(AXES[kind][0]), AXES[kind][1:]
    count = ceil(points / 4 / len(first.values))
    second = setting_axis(f"{key}={begin}:{begin + count - 1}:+1")
    axes = [axis("hw", "cofluent64"), axis("model", model), axis("bits", BITS)]
    return grid_study([*axes, first, second])


def remembering() -> AbstractContextManager[object]:
    """Replace `run_together`: run every workload once, on its first hardware; reuse the result."""
    known: dict[float, object] = {}

    def run(jobs: list[tuple[Workload, Hardware]]) -> list[object]:
        for workload, hardware in jobs:
            if workload.bits not in known:
                (known[workload.bits],) = run_together([(workload, hardware)])
        return [known[workload.bits] for workload, _ in jobs]

    return mock.patch.object(evaluate, "run_together", run)


def one(model: str, kind: str, points: int, own: bool) -> None:
    """Measure one study in this process; print JSON."""
    made = study(model, kind, points)
    evaluate.evaluate_chunk(made.payload, 0, [next(iter(made.points))])  # load the compiled code
    evaluate._evaluator.cache_clear()
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        if own:
            with remembering():
                run_study(made, Path(folder), jobs=1)
        else:
            run_study(made, Path(folder), jobs=1)
        seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"points": len(made.points), "seconds": seconds, "peak": peak}))


def main(counts: list[int]) -> None:
    """Measure all and print a table."""
    table = Table(
        "case", "model", "axes", "points", "CPU s", "points/s per core", "ms per point", "peak MB"
    )
    lines = [
        ("simulated", model, kind, SIMULATED)
        for model in ("r18", "r20")
        for kind in ("PEs x rates", "rates")
    ]
    lines += [("simulated", "r18", "PEs x bursts", n) for n in (1_024, 4_096)]
    lines += [(what, "r18", "PEs x rates", n) for what in ("simulated", "own cost") for n in counts]
    for number, line in enumerate(lines[:1] + lines):
        command = [sys.executable, __file__, *map(str, line)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        if number == 0:
            continue  # the first process may have compiled, which takes time and memory
        said = json.loads(done.stdout)
        table.add_row(
            *line[:3], f"{said['points']:,}", f"{said['seconds']:.1f}",
            f"{said['points'] / said['seconds']:,.0f}",
            f"{1e3 * said['seconds'] / said['points']:.3f}", f"{said['peak']:.0f}",
        )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    if sys.argv[1:2] in (["simulated"], ["own cost"]):
        one(sys.argv[2], sys.argv[3], int(sys.argv[4]), own=sys.argv[1] == "own cost")
    else:
        main([int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000])
