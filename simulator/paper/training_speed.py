"""The simulated speed of the shipped trained networks, with their real indices."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

from simulator.analysis.title import layers_title
from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress
from simulator.machines import load_hardware
from simulator.paper.beside import baseline_of, speedup_of
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.workload import configure, load_workload

HARDWARE = "cofluent64"
MODELS = ("trained-r20-1", "trained-r20-0.67", "trained-r20-0.56", "trained-r20-0.44")
"""Networks from `simulate train`; see docs/training.md."""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write training_speed.md and training_speed.csv."""
    rows = [_row(model, progress) for model in MODELS]
    scopes = layers_title(configure(load_workload(MODELS[0])))
    return [
        write_report(
            folder / "training_speed.md",
            "Simulated speed of the trained networks",
            "simulate reproduce training-speed",
            [
                "The table shows the shipped networks of [training.md](training.md) on "
                f"`{HARDWARE}`: ResNet-20 for digits of 8x8 pixels, batch 1, with the "
                "trained indices. Speedups are relative to 1 bit on the same PEs. "
                f"Scope `binary`: {scopes}. The column *shape-only* has the cycles of the same "
                "shapes without indices; outputs then spread evenly over a subset. The two differ "
                "if a subset takes more than one LUT pass. A pass lasts as long as the PE with the "
                "most outputs in it ([docs/machine.md](../docs/machine.md)).\n",
                table(rows),
                "Maps of 8x8, 4x4 and 2x2 pixels are little work for 64 PEs. Memory latency "
                "therefore has more weight than on ImageNet.\n",
            ],
        ),
        write_csv(folder / "training_speed.csv", rows),
    ]


def _row(model: str, progress: Progress | None) -> Row:
    hardware, trained = load_hardware(HARDWARE), load_workload(model)
    result = simulate(trained, hardware, progress=progress)
    shapes = tuple(replace(layer, kernels=None) for layer in trained.layers)
    alone = simulate(replace(trained, layers=shapes), hardware, progress=progress)
    return {
        "network": model,
        "cycles": f"{result.run.cycles:,}",
        "time (µs)": f"{1e3 * result.time_ms:.2f}",
        "speedup over 1 bit": f"{speedup_of(result):.3f}x",
        "cycles, shape-only": f"{alone.run.cycles:,}",
        **_stage_speedups(result),
    }


def _stage_speedups(result: Result) -> dict[str, str]:
    pairs = zip(result.run.layers, baseline_of(result).layers, strict=True)
    speedups = {}
    for stage, group in groupby(pairs, key=lambda pair: pair[0].stage):
        members = list(group)
        cycles = sum(run.cycles for run, _ in members)
        speedups[stage] = f"{sum(base.cycles for _, base in members) / cycles:.2f}x"
    return speedups
