"""`simulate export`: write a network in the format of other simulators."""

from pathlib import Path
from typing import Any

import click

from simulator.base.lines import print_line
from simulator.cli.formatting import Choice, Command
from simulator.cli.options import OUTPUT, READING, option, reading_from, shared
from simulator.cli.output import console, print_notes

_EXAMPLES = """
Examples:

\b
  simulate export r18 --to scalesim -o r18.csv
  simulate export r18 --to scalesim --gemm --batch 8 -o r18-gemm.csv
  simulate export r50 --to zigzag --scope weights -o r50.yaml
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("model")
@option(
    "--to",
    section=OUTPUT,
    type=Choice(["scalesim", "zigzag"]),
    required=True,
    help="scalesim: topology CSV of SCALE-Sim 3.0.0. zigzag: workload YAML of ZigZag 3.9.1.",
)
@option(
    "--gemm",
    section=OUTPUT,
    is_flag=True,
    help="Write SCALE-Sim's GEMM form (M, N, K) instead of convolutions.",
)
@option(
    "-o",
    "--output",
    section=OUTPUT,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write. Default: standard output.",
)
@shared("input-size", "batch", "scope", *READING, "quiet")
def export(*, model: str, output: Path | None, to: str, quiet: bool, **options: Any) -> None:
    """Write a network for SCALE-Sim or ZigZag.

    The file holds the shapes of the binary layers, and with --scope weights of all layers with
    weights. Neither tool knows sub-bit weights.

    MODEL is a shipped name, or the path of a network file, a workload file, or a trained network.
    """
    from simulator.base.writing import writable_file, write_file
    from simulator.workload.exporters import export as exported
    from simulator.workload.model import load_model

    if output is not None:
        writable_file(output)
    workload = load_model(model, input_size=options.pop("input_size"), **reading_from(options))
    found = exported(workload, to, **options)
    if output is None:
        click.echo(found.text, nl=False)
    else:
        write_file(output, lambda path: path.write_text(found.text, encoding="utf-8"))
    if quiet:
        return
    notes = console(err=output is None)
    if output is not None:
        print_line(notes, f"written: {output} ({found.layers} layers)")
    print_notes((*workload.notes, *found.notes), err=output is None)
