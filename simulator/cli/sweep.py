"""`simulate sweep`: a study of many points."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.output import console, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.studies import Study
    from simulator.studies.run import StudyResult

_EXAMPLES = """
Examples:

\b
  simulate sweep --hw cofluent64 --model r18,r34 --bits 1,0.67,0.56,0.44 \\
      --set array.pes=16:1024:x2 --set memory.dram.bytes_per_cycle=1,2,4,8,16,32 --out study
  simulate sweep --hw cofluent64 --model r18 --tau 1:8:+1 --batch 1,8 --out tau
  simulate sweep --hw cofluent64 --model r18 --bits 0.56 --set array.pes=16:1024:+1 \\
      --set memory.index_buffer.kib=64:1024:x2 --sample 1000 --seed 1 --out sample
  simulate sweep --points points.csv --hw cofluent64 --out from-file
  simulate sweep --points points.csv --hw cofluent64 --scheduler tcp://10.0.0.1:8786 --out far

VALUES are a list (1,2,4), a range by factor (16:1024:x2) or by step (16:128:+16), both with their
ends, or any of these in one list.
"""
_AXES = ("bits", "tau", "tau_1x1", "batch", "activation_bits", "input_size")


@click.command(epilog=_EXAMPLES)
@click.option("--hw", multiple=True, metavar="NAMES", help="Hardware: shipped names or files.")
@click.option("--model", multiple=True, metavar="NAMES", help="Networks: shipped names or files.")
@click.option("--bits", metavar="VALUES", help="Bits per weight, such as 1,0.67,0.56.")
@click.option("--tau", metavar="VALUES", help="Bits of a 3x3 kernel's index, instead of --bits.")
@click.option("--tau-1x1", metavar="VALUES", help="Bits of a 1x1 vector's index.")
@click.option("--batch", metavar="VALUES", help="Images per run.")
@click.option("--activation-bits", metavar="VALUES", help="Bits per activation.")
@click.option("--input-size", metavar="VALUES", help="Pixels, such as 160,224 or 600x1000.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUES",
    help="A key of the hardware file as an axis. Repeatable.",
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="N random points of the grid.")
@click.option("--seed", type=int, help="Of --sample; 0 if not given.")
@click.option(
    "--points",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV of points instead of a grid; columns hw, model, bits, tau, tau_1x1, batch, "
    "activation_bits, input_size and hardware keys. What it leaves out, options give.",
)
@click.option("--baseline-bits", type=float, default=1.0, show_default=True, help="Of baselines.")
@click.option("--include-full-precision", is_flag=True, help="Add the full-precision layers.")
@click.option("--engine", default="auto", show_default=True, help="Which engine runs.")
@click.option("--layers", is_flag=True, help="Also write one row per point and layer.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for study.parquet (study.csv without pyarrow), summary.md and plots. An "
    "interrupted study goes on there.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes; all cores if not given.")
@click.option("--scheduler", metavar="ADDRESS", help="Run on this Dask cluster, tcp://HOST:PORT.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def sweep(
    out: Path,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Simulate many design points: every combination of axes, a sample, or a CSV of points."""
    from simulator.studies import run_study

    if jobs is not None and scheduler is not None:
        raise click.UsageError("--jobs is for this machine, --scheduler for a cluster: choose one")
    try:
        study = _study(**options)
        with progress_on_stderr(quiet, unit="points") as progress:
            result = run_study(study, out, jobs=jobs, scheduler=scheduler, progress=progress)
    except KeyboardInterrupt:
        click.echo(
            "simulate: interrupted; nothing is lost: the same command goes on where it was",
            err=True,
        )
        sys.exit(130)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        _print(result)


def _study(
    *,
    hw: tuple[str, ...],
    model: tuple[str, ...],
    settings: tuple[str, ...],
    sample: int | None,
    seed: int | None,
    points: Path | None,
    **options: Any,
) -> "Study":
    from simulator.studies import grid_study, points_study
    from simulator.studies.axes import axis, setting_axis

    if seed is not None and sample is None:
        raise click.UsageError("--seed has no effect without --sample")
    texts = {"hw": ",".join(hw), "model": ",".join(model)}
    texts |= {name: options.pop(name) or "" for name in _AXES}
    axes = [axis(name, text) for name, text in texts.items() if text]
    axes += [setting_axis(setting) for setting in settings]
    if points is None:
        return grid_study(axes, sample=sample, seed=seed or 0, **options)
    if sample is not None:
        raise click.UsageError("--points gives the points, --sample draws them: choose one")
    return points_study(points, axes, **options)


def _print(result: "StudyResult") -> None:
    from simulator.report.lines import print_line
    from simulator.report.tabular import csv_note
    from simulator.studies.summary import sentence

    out = console()
    figures = result.figures
    failed = sum(figures.errors.values())
    text = f"{figures.point_count:,} point" + ("s" if figures.point_count > 1 else "")
    if failed:
        reason = next(iter(figures.errors))
        text += f", {failed:,} of them impossible (see the column `error`); most often: {reason}"
    print_line(out, text)
    if result.doubt:
        print_line(out, result.doubt)
    for effect in result.effects:
        print_line(out, f"- {sentence(effect)}")
    names = ", ".join(path.name for path in result.files)
    print_written(f"{result.files[0].parent}/: {names}{csv_note(result.files[0])}")
