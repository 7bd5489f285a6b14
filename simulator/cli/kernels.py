"""`simulate kernels`: which kernels trained networks use, and how often (Figure 11)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import choice_from, input_size, trained_options
from simulator.cli.output import console, print_written, progress_on_stderr
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.report.kernels import Progress, Snapshot

_EXAMPLES = """
Examples:

\b
  simulate kernels trained-r20-1 trained-r20-0.56 trained-r20-0.44 --out out/kernels
  simulate kernels bnn.npz snn-067.npz snn-056.npz snn-044.npz --out out/figure11
  simulate kernels epoch010.npz epoch100.npz epoch200.npz --layers layer3.2.conv1 --out out/run
  simulate kernels r18.pth.tar --network r18 --tau 5 --subset frequent --out out/frequent
"""


@click.command(epilog=_EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for kernels.csv, kernels.png and kernels.svg.",
)
@click.option(
    "--layers",
    multiple=True,
    metavar="NAME",
    help="Layer to draw, repeatable; if none is named, up to 6 from the first to the last.",
)
@trained_options
@click.option("--bits", type=float, help="Bits per weight of trained networks, such as 0.56.")
@click.option("--tau", type=int, help="Bits of a 3x3 kernel's index, 1 to 9, instead of --bits.")
@click.option("--tau-1x1", type=int, help="Bits of a 1x1 vector's index, 1 to 8.")
@click.option(
    "--input-size",
    metavar="SIZE",
    callback=input_size,
    help="Input height x width in pixels, for a graph (ONNX) of dynamic size.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def kernels(
    files: tuple[str, ...], out: Path, layers: tuple[str, ...], quiet: bool, **options: Any
) -> None:
    """Draw which of the 512 kernels (256 vectors) each layer uses, and how often (Figure 11).

    FILES are workload files (or shipped names), or trained networks, of one network. Files of equal
    bits per weight are snapshots of one training run, in the order given; each other bit width is a
    column of its own.
    """
    from simulator.report import kernels as report

    with progress_on_stderr(quiet) as progress:
        snapshots = _load(files, options, progress)
        report.require_comparable(snapshots)
        drawn = report.choose_layers(snapshots[0], layers)
        written = report.save_kernels(snapshots, drawn, out, progress)
    if not quiet:
        report.print_kernels(snapshots, console())
        print_written(f"{out}/{', '.join(path.name for path in written)}")


def _load(
    files: tuple[str, ...], options: dict[str, Any], progress: "Progress | None"
) -> "list[Snapshot]":
    """Every file as a snapshot; files of one name are told apart by their folders."""
    from simulator.report.kernels import Snapshot
    from simulator.workload.loading import is_trained_file
    from simulator.workload.model import load_model

    given = [name for name in ("bits", "tau", "tau_1x1", "taus") if options[name]]
    choice = choice_from(options)
    stems = [Path(file).stem if Path(file).is_file() else file for file in files]
    snapshots = []
    for file, stem in zip(files, stems, strict=True):
        if given and not is_trained_file(Path(file)):
            option = {"taus": "layer-tau"}.get(given[0], given[0]).replace("_", "-")
            raise InputError(f"{file}: holds no real weights, so --{option} would have no effect")
        workload = load_model(file, choice=choice, progress=progress, **_reading(options))
        label = stem if stems.count(stem) == 1 else file
        snapshots.append(Snapshot(label=label, workload=workload))
    return snapshots


def _reading(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("network", "input_size", "binarize")}
