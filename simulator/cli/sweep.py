"""`simulate sweep`: run a study of many points."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from simulator.base.errors import InputError
from simulator.cli.formatting import Command
from simulator.cli.options import (
    OUTPUT,
    READING,
    RUN,
    SHAPE,
    baseline_or_none,
    has_baseline,
    option,
    require_precision,
    shared,
)
from simulator.cli.output import console, print_notes, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.studies import Study
    from simulator.studies.result import StudyResult

_EXAMPLES = """
Examples:

\b
  simulate sweep --hw cofluent64 --model r18,r34 --bits 1,0.67,0.56,0.44 \\
      --set array.pes=16:1024:x2 --set memory.dram.bytes_per_cycle=1:32:x2 \\
      --out study
  simulate sweep --hw cofluent64 --model r18 --tau 1:8:+1 --batch 1,8 --out tau
  simulate sweep --hw cofluent64 --model r18 --bits 0.56 \\
      --set array.pes=16:1024:+1 --set memory.index_buffer.kib=64:1024:x2 \\
      --sample 1000 --seed 1 --out sample
  simulate sweep --points points.csv --hw cofluent64 --out from-file
  simulate sweep --hw cofluent64 --model r18 --bits 1,0.56 --out pes \\
      --set array.pes=16:256:x2 --style paper \\
      --plot x=array.pes y=energy_uj hue=bits
  simulate sweep --points points.csv --hw cofluent64 \\
      --scheduler tcp://10.0.0.1:8786 --out far

A list is 1,2,4. A range is by factor (16:1024:x2) or by step (16:128:+16), both ends included. A
list may contain ranges.
"""
_AXES = ("bits", "tau", "tau_1x1", "batch", "activation_bits", "shortcut_bits", "input_size")
_POINTS = "Points"


@click.command(cls=Command, epilog=_EXAMPLES)
@shared(
    "hw",
    "set",
    lists=True,
    set="Key of the hardware file as an axis, such as array.pes=16:1024:x2, or an expression over "
    "other keys, such as memory.index_buffer.bytes_per_cycle=array.pes*2.5. Repeatable.",
)
@shared(
    "model",
    "bits",
    "tau",
    "tau-1x1",
    "layer-tau",
    *SHAPE,
    lists=True,
)
@baseline_or_none
@shared(*READING, "subset", lists=True)
@option(
    "--points",
    section=_POINTS,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV of points instead of a grid. Columns: hw, model, bits, tau, tau_1x1, batch, "
    "activation_bits, shortcut_bits, input_size, and hardware keys. Options supply missing "
    "columns.",
)
@option(
    "--sample",
    section=_POINTS,
    type=click.IntRange(1),
    metavar="N",
    help="N random points of the grid.",
)
@option(
    "--seed",
    section=_POINTS,
    type=click.IntRange(0),
    metavar="N",
    help="Seed of --sample and of --subset random. Default: 0.",
)
@shared("engine")
@option(
    "--jobs",
    section=RUN,
    type=click.IntRange(1),
    metavar="N",
    help="Processes. Default: one per core.",
)
@option(
    "--scheduler",
    section=RUN,
    metavar="ADDRESS",
    help="Dask scheduler of a cluster to run on, such as tcp://10.0.0.1:8786.",
)
@shared("energy", energy="Energy table: a shipped name or a path. Default: 45nm.")
@option(
    "--layers",
    section=OUTPUT,
    is_flag=True,
    help="Also write one row per point and layer.",
)
@option(
    "--plot",
    section=OUTPUT,
    metavar="x=COLUMN",
    help="Followed by y=COLUMN and optionally hue=COLUMN: also plot columns of the table of "
    "points, or keys of the hardware file. Needs --out.",
)
@click.argument("plot_words", nargs=-1, metavar="")
@option(
    "--fronts",
    section=OUTPUT,
    metavar="AXIS",
    help="Also print which value of an axis, such as bits or hw, is fastest within the same area; "
    "with --out, as fronts.csv and a figure too.",
)
@shared(
    "out",
    "style",
    "json",
    "quiet",
    out="Folder for the table of points, summary.md and plots. To resume an interrupted study, "
    "rerun the same command. Without a folder, the command only prints the results.",
)
def sweep(
    *,
    out: Path | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
    quiet: bool,
    plot: str | None,
    plot_words: tuple[str, ...],
    fronts: str | None,
    style: str | None,
    **options: Any,
) -> None:
    """Simulate many design points: a grid, a sample, or a CSV.

    A grid is every combination of the lists and ranges of --hw, --model, --set and the precision.
    """
    from simulator.studies.networks import model_notes, without_kernels

    if jobs is not None and scheduler is not None:
        raise click.UsageError("--jobs is for this machine, --scheduler for a cluster; choose one")
    if plot_words and plot is None:
        raise click.UsageError(f"unexpected argument {plot_words[0]!r}")
    if plot is not None and out is None:
        raise click.UsageError("--plot needs --out FOLDER")
    figures = {
        "plot": None if plot is None else " ".join((plot, *plot_words)),
        "style": style or "screen",
    }
    try:
        study = _study(**options)
        asked = {"bits", "tau"} & set(study.axis_names) or study.inputs.taus
        if has_baseline(study.machines):
            require_precision(bool(asked), study.networks, "simulate sweep")
        with progress_on_stderr(quiet, unit="points") as progress:
            result = _run(
                study,
                out,
                figures,
                jobs=jobs,
                scheduler=scheduler,
                fronts=fronts,
                progress=progress,
            )
    except KeyboardInterrupt:
        hint = "" if out is None else "; rerun the same command to resume"
        click.echo(f"simulate: interrupted{hint}", err=True)
        sys.exit(130)
    if result.points is None:
        raise InputError(f"no point of the study can run: {next(iter(result.figures.errors))}")
    dropped = without_kernels(study.points, study.inputs)
    notes = model_notes(study.points, study.inputs)
    if as_json:
        more = {"models_without_kernels": dropped, "model_notes": notes}
        click.echo(json.dumps({**result.summary(), **more}, indent=2))
    elif not quiet:
        print_notes(f"{name}: {text}" for name, texts in notes.items() for text in texts)
        print_notes(
            f"at a tau other than its own, {model} runs shape-only, without its trained indices"
            for model in dropped
        )
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

    if seed is not None and sample is None and options["subset"] != "random":
        raise click.UsageError("--seed has no effect without --sample or --subset random")
    options["subset_seed"] = seed if options["subset"] == "random" else None
    texts = {"hw": ",".join(hw), "model": ",".join(model)}
    texts |= {name: options.pop(name) or "" for name in _AXES}
    axes = [axis(name, text) for name, text in texts.items() if text]
    axes += [setting_axis(setting) for setting in settings]
    if points is None:
        return grid_study(axes, sample=sample, seed=seed or 0, **options)
    if sample is not None:
        raise click.UsageError("--points gives the points, --sample draws them; choose one")
    return points_study(points, axes, **options)


def _run(
    study: "Study", out: Path | None, figures: dict[str, Any], **options: Any
) -> "StudyResult":
    """Run a study into its folder, or for the terminal alone."""
    from simulator.studies import run_study

    if out is not None:
        return run_study(study, out, **figures, **options)
    with TemporaryDirectory() as folder:
        return replace(run_study(study, folder, tables_only=True, **options), files=())


def _print(result: "StudyResult") -> None:
    from simulator.base.tabular import csv_note

    result.draw(console())
    if not result.files:
        return
    names = ", ".join(path.name for path in result.files)
    print_written(f"{result.files[0].parent}/: {names}{csv_note(result.files[0])}")
