"""Compare both engines, the cost of a run against its size, and the whole command.

    python benchmarks/engines.py [MODEL ...]

Prints tables and writes benchmarks/cost.png. No result passes or fails. Machines are noisy: compare
within one run. Seconds are processor time of this process. Other load therefore hardly changes
them.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from simulator import load_hardware, load_workload
from simulator.analysis.running import run_one
from simulator.engine import fast
from simulator.engine.trace import Trace
from simulator.engine.warm import warm
from simulator.machines import Hardware
from simulator.machines.family import Mapping
from simulator.machines.lut_array.mapper import map_workload
from simulator.workload import Workload, configure
from tests.numbering import Kind

REPEATS = 5
STEP_KINDS = (Kind.ACCUMULATE, Kind.DIRECT, Kind.MAC)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Median time of a callable, in s."""
    took = []
    for _ in range(REPEATS):
        began = clock()
        work()
        took.append(clock() - began)
    return statistics.median(took)


def map_anew(workload: Workload, hardware: Hardware) -> Mapping:
    """Map without the results of earlier runs."""
    forget()
    return map_workload(workload, hardware)


def event_anew(workload: Workload, hardware: Hardware) -> Trace:
    """Map and run with the event engine, without the results of earlier runs."""
    forget()
    return run_one(workload, hardware, "event").trace


def forget() -> None:
    """Forget the mapped layers and the assembled programs."""
    for name, module in list(sys.modules.items()):
        if name.startswith("simulator.machines.lut_array.") or name == "simulator.engine.fast":
            for kept in vars(module).values():
                if hasattr(kept, "cache_clear") and kept is not fast._kernel:
                    kept.cache_clear()


def engines(models: list[str], console: Console) -> None:
    table = Table(
        "model", "bits", "commands", "steps", "program + event (s)", "steps/s", "cycles/s",
        "program + totals (ms)", "ratio", "again (ms)", "ratio ",
        title=f"median of {REPEATS}; program: including the mapper; again: with cached loops, "
        "as in a sweep",
    )  # fmt: skip
    hardware = load_hardware("cofluent64")
    for model in models:
        for tau in (5, None):
            workload = configure(load_workload(model), tau=tau)
            mapping = map_anew(workload, hardware)
            fast.totals(mapping.program, compiled=True)
            trace = event_anew(workload, hardware)
            steps = int(np.isin(trace.kind, STEP_KINDS).sum())
            slow = seconds(lambda w=workload: event_anew(w, hardware))
            quick = seconds(
                lambda w=workload: [
                    fast.totals(map_anew(w, hardware).program, compiled=True) for _ in range(20)
                ]
            ) / 20  # fmt: skip
            again = seconds(
                lambda w=workload: [
                    fast.totals(map_workload(w, hardware).program, compiled=True) for _ in range(20)
                ]
            ) / 20  # fmt: skip
            cycles = fast.totals(mapping.program).cycles
            table.add_row(
                model, f"{workload.bits:.2f}", f"{len(trace):,}", f"{steps:,}", f"{slow:.3f}",
                f"{steps / slow:,.0f}", f"{cycles / slow:,.0f}", f"{1e3 * quick:.2f}",
                f"{slow / quick:.0f}x", f"{1e3 * again:.2f}", f"{slow / again:.0f}x",
            )  # fmt: skip
    console.print(table)


def cost(path: Path) -> None:
    """Plot the time of one run's totals against the input's pixels and against the PEs."""
    workload = configure(load_workload("r18"), tau=5)
    sizes = (112, 160, 224, 320, 448, 640, 896, 1280, 1792, 2560, 3584, 5120, 7168)
    pes = (8, 16, 32, 64, 128, 256, 512, 1024)
    hardware = load_hardware("cofluent64")
    by_size, by_pes = [], []
    for size in sizes:
        scaled = configure(load_workload("r18", (size, size)), tau=5)
        by_size.append(_milliseconds(scaled, hardware))
    for count in pes:
        by_pes.append(_milliseconds(workload, load_hardware("cofluent64", [f"array.pes={count}"])))
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot([size**2 / 1e3 for size in sizes], by_size, marker="o")
    left.set(xscale="log", xlabel="input pixels (thousands)", ylabel="program + totals (ms)")
    right.plot(pes, by_pes, marker="o", color="tab:orange")
    right.set(xscale="log", xlabel="PEs", title="")
    pixels = [size**2 / 1e3 for size in sizes]
    left.set_xticks(pixels[::3], [f"{count:,.0f}" for count in pixels[::3]])
    right.set_xticks(pes, [str(count) for count in pes])
    for axes in (left, right):
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.suptitle("Cost of a run of ResNet-18 at 0.56 bit", fontsize=9)
    figure.savefig(path, dpi=150)


def _milliseconds(workload: Workload, hardware: Hardware) -> float:
    fast.totals(map_anew(workload, hardware).program, compiled=True)
    return 1e3 * seconds(lambda: fast.totals(map_anew(workload, hardware).program, compiled=True))


def commands(console: Console) -> None:
    simulate = [sys.executable, "-m", "simulator"]
    main_job = [*simulate, "--hw", "cofluent64", "--model", "r18", "--bits", "0.56"]
    table = Table("command", "processor time (s)", "ratio to importing numpy and yaml")
    lines = {
        "python -c 'import numpy, yaml'": [sys.executable, "-c", "import numpy, yaml"],
        "simulate --help": [*simulate, "--help"],
        "simulate r18, both runs": main_job,
        "the same, --engine event": [*main_job, "--engine", "event"],
        "the same with --out": [*main_job, "--out", "out/benchmark"],
    }
    took = {
        name: seconds(lambda c=line: subprocess.run(c, check=True, capture_output=True), _children)
        for name, line in lines.items()
    }
    first = next(iter(took.values()))
    for name, value in took.items():
        table.add_row(name, f"{value:.2f}", f"{value / first:.1f}")
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    console.print(f"largest memory of any of these processes: {peak:.0f} MB")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    warm()
    out = Console(width=150)
    engines(sys.argv[1:] or ["r20", "r18", "r34"], out)
    cost(Path(__file__).with_name("cost.png"))
    commands(out)
