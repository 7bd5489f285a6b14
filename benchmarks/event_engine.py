"""Steps and simulated cycles per second of the event engine, start-up and memory of the command.

    python benchmarks/event_engine.py [MODEL ...]

Prints a table; nothing here passes or fails. Machines are noisy: compare within one run.
"""

import resource
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from simulator import load_hardware, load_workload
from simulator.engine import ENGINES
from simulator.mapping import map_workload
from simulator.mapping.builder import Kind
from simulator.workload import configure

REPEATS = 5
STEP_KINDS = (Kind.ACCUMULATE, Kind.DIRECT, Kind.MAC)


def seconds(work: object, repeats: int = REPEATS) -> float:
    """Median wall time of a callable."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()  # type: ignore[operator]
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def engines(models: list[str], console: Console) -> None:
    table = Table(
        "model", "bits", "engine", "commands", "steps", "map (s)", "run (s)", "steps/s",
        "simulated cycles/s", title=f"median of {REPEATS}",
    )  # fmt: skip
    hardware = load_hardware("cofluent64")
    for model in models:
        for tau in (5, None):
            workload = configure(load_workload(model), tau=tau)
            program = map_workload(workload, hardware).program
            steps = sum(int((program.kind == kind).sum()) for kind in STEP_KINDS)
            mapping = seconds(lambda w=workload: map_workload(w, hardware))
            for name, engine in ENGINES.items():
                cycles = engine(program, None).cycles
                run = seconds(lambda p=program, e=engine: e(p, None))
                table.add_row(
                    model, f"{workload.bits:.2f}", name, f"{len(program):,}", f"{steps:,}",
                    f"{mapping:.3f}", f"{run:.3f}", f"{steps / run:,.0f}", f"{cycles / run:,.0f}",
                )  # fmt: skip
    console.print(table)


def commands(console: Console) -> None:
    simulate = [sys.executable, "-m", "simulator"]
    main_job = [*simulate, "--hw", "cofluent64", "--model", "r18", "--bits", "0.56"]
    table = Table("command", "median (s)", "ratio to importing numpy and yaml")
    lines = {
        "python -c 'import numpy, yaml'": [sys.executable, "-c", "import numpy, yaml"],
        "simulate --help": [*simulate, "--help"],
        "simulate r18, both runs": main_job,
        "the same with --out": [*main_job, "--out", "out/benchmark"],
    }
    took = {
        name: seconds(lambda c=line: subprocess.run(c, check=True, capture_output=True))
        for name, line in lines.items()
    }
    first = next(iter(took.values()))
    for name, value in took.items():
        table.add_row(name, f"{value:.2f}", f"{value / first:.1f}")
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    console.print(f"largest memory of any of these processes: {peak:.0f} MB")


if __name__ == "__main__":
    out = Console(width=130)
    engines(sys.argv[1:] or ["r20", "r18", "r34"], out)
    commands(out)
