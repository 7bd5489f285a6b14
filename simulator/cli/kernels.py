"""`simulate kernels`: which kernels trained networks use, and how often (Figure 11)."""

from pathlib import Path

import click

from simulator.cli.output import console

_EXAMPLES = """
Examples:

\b
  simulate kernels r18-056.npz --out out/kernels
  simulate kernels bnn.npz snn-067.npz snn-056.npz snn-044.npz --out out/figure11
  simulate kernels epoch010.npz epoch100.npz epoch200.npz --layers layer3.2.conv1 --out out/run
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
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def kernels(files: tuple[str, ...], out: Path, layers: tuple[str, ...], quiet: bool) -> None:
    """Draw which of the 512 kernels (256 vectors) each layer uses, and how often (Figure 11).

    FILES are workloads with kernels of one network. Files of equal bits per weight are snapshots
    of one training run, in the order given; each other bit width is a column of its own.
    """
    from simulator.report import kernels as report
    from simulator.workload import load_workload

    snapshots = [
        report.Snapshot(label=Path(file).stem, workload=load_workload(file)) for file in files
    ]
    report.require_comparable(snapshots)
    drawn = report.choose_layers(snapshots[0], layers)
    written = report.save_kernels(snapshots, drawn, out)
    if not quiet:
        report.print_kernels(snapshots, console())
        click.echo(f"written: {out}/{', '.join(path.name for path in written)}")
