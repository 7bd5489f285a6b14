"""Figure 13: timelines of ResNet-18 at 0.56 bit and at 1 bit, stage by stage."""

from itertools import groupby
from pathlib import Path

from simulator.analysis.title import covered
from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress, announce
from simulator.base.writing import write_file
from simulator.machines import load_hardware
from simulator.paper.beside import baseline_of, speedup_of
from simulator.paper.markdown import Row, table, write_report
from simulator.paper.printed import SPEEDUP
from simulator.report.style import save_figure
from simulator.workload import load_workload


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write figure13.md, figure13.png and figure13.svg."""
    result = simulate(
        load_workload("r18"), load_hardware("cofluent64"), bits=0.56, progress=progress
    )
    announce(progress, "drawing Figure 13")
    figure = result.plot_timeline()
    return [
        write_report(
            folder / "figure13.md",
            "Figure 13: timelines of ResNet-18, 64 PEs at 1 GHz",
            "simulate reproduce figure13",
            [
                "![Figure 13](figure13.png)\n",
                "The timelines of 0.56 bit (top) and 1 bit (bottom) share one time axis. The "
                "paper's figure prints no numbers. It belongs to Table 4, which gives a speedup "
                f"of {SPEEDUP['r18']}x; this simulator gives {speedup_of(result):.2f}x. "
                "Supplement G reports high acceleration ratios in the last three stages. The "
                f"figure covers {covered(result)}.\n",
                table(_stages(result)),
            ],
        ),
        write_file(folder / "figure13.png", lambda path: save_figure(figure, path)),
        write_file(folder / "figure13.svg", lambda path: save_figure(figure, path)),
    ]


def _stages(result: Result) -> list[Row]:
    pairs = zip(result.run.layers, baseline_of(result).layers, strict=True)
    rows: list[Row] = []
    for stage, group in groupby(pairs, key=lambda pair: pair[0].stage):
        members = list(group)
        ours = sum(run.cycles for run, _ in members)
        base = sum(baseline.cycles for _, baseline in members)
        rows.append(
            {
                "stage": stage,
                "0.56 bit (µs)": f"{1e3 * result.milliseconds(ours):.1f}",
                "1 bit (µs)": f"{1e3 * result.milliseconds(base):.1f}",
                "speedup": f"{base / ours:.2f}x",
            }
        )
    return rows
