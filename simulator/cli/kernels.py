"""`simulate kernels`: kernel usage of trained networks and its frequency (Figure 11)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.base import guard
from simulator.cli.formatting import Command
from simulator.cli.options import (
    OUTPUT,
    PRECISION,
    READING,
    SUBSETS,
    choice_from,
    option,
    reading_from,
    require_no_choice,
    shared,
)
from simulator.cli.output import console, print_notes, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.report.kernels import Snapshot

_EXAMPLES = """
Examples:

\b
  simulate kernels trained-r20-1 trained-r20-0.56 --out out/kernels
  simulate kernels bnn.npz snn-067.npz snn-056.npz --out out/figure11
  simulate kernels epoch010.npz epoch100.npz --layers layer3.2.conv1 --out run
  simulate kernels r18.pth.tar --network r18 --tau 5 --subset frequent \\
      --out out/frequent
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@shared(*READING, *SUBSETS, *PRECISION, "input-size")
@option(
    "--layers",
    section=OUTPUT,
    multiple=True,
    metavar="NAME",
    help="Layer to draw. Repeatable. Default: up to 6, from the first to the last.",
)
@shared(
    "out",
    "json",
    "quiet",
    required=("out",),
    out="Folder for kernels.csv, kernels.png and kernels.svg.",
)
def kernels(
    files: tuple[str, ...],
    out: Path,
    layers: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Draw which kernels each layer uses, and how often.

    The picture is Figure 11 of the paper: 512 kernels, or 256 vectors. Each FILE is a shipped name,
    a workload file or a trained network, all of one network. Files of equal bits per weight are
    snapshots of one training run, in the order given; each bit width has a column of its own.
    """
    from simulator.report import kernels as report
    from simulator.report.kernels_files import save_kernels

    with progress_on_stderr(quiet) as progress:
        snapshots = _load(files, options, progress)
        report.require_comparable(snapshots)
        drawn = report.choose_layers(snapshots[0], layers)
        written = save_kernels(snapshots, drawn, out, progress)
    notes = [*dict.fromkeys(note for one in snapshots for note in one.workload.notes)]
    if as_json:
        click.echo(json.dumps({**report.summary(snapshots), "notes": notes}, indent=2))
    elif not quiet:
        report.print_kernels(snapshots, console())
        print_notes(notes)
        print_written(f"{out}/{', '.join(path.name for path in written)}")


def _load(
    files: tuple[str, ...], options: dict[str, Any], progress: "Progress | None"
) -> "list[Snapshot]":
    """Load every file as a snapshot; labels of files with the same name include their folders."""
    from simulator.base.shipped import find
    from simulator.report.kernels import Snapshot
    from simulator.workload.loading import is_trained_file
    from simulator.workload.model import load_model

    choice, reading = choice_from(options), reading_from(options)
    size = options["input_size"]
    stems = [Path(file).stem if guard.is_file(file) else file for file in files]
    snapshots = []
    for file, stem in zip(files, stems, strict=True):
        if not is_trained_file(find("workloads", file)):
            require_no_choice(file, options)
        workload = load_model(file, input_size=size, choice=choice, progress=progress, **reading)
        label = guard.require_utf8(stem if stems.count(stem) == 1 else file)
        snapshots.append(Snapshot(label=label, workload=workload))
    return snapshots
