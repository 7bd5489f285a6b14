"""`simulate export`: a network as other simulators read it."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.options import input_size

_EXAMPLES = """
Examples:

\b
  simulate export r18 --to scalesim -o r18.csv
  simulate export r18 --to scalesim --gemm --batch 8 -o r18-gemm.csv
  simulate export r50 --to zigzag --include-full-precision -o r50.yaml
"""


@click.command(epilog=_EXAMPLES)
@click.argument("model")
@click.option(
    "--to",
    metavar="FORMAT",
    required=True,
    help="scalesim (topology CSV, SCALE-Sim 3.0.0) or zigzag (workload YAML, ZigZag 3.9.1).",
)
@click.option(
    "--gemm", is_flag=True, help="Write SCALE-Sim's GEMM form (M, N, K), not convolutions."
)
@click.option(
    "--input-size",
    metavar="SIZE",
    callback=input_size,
    help="Input height x width in pixels, such as 160 or 600x1000; the file's if not given.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Images per run.")
@click.option(
    "--include-full-precision",
    is_flag=True,
    help="Add the full-precision first, last and downsample layers.",
)
@click.option("--network", help="Network file, by name or path, of a trained state dict.")
@click.option(
    "--binarize", multiple=True, metavar="GLOB", help="Binary layers of an ONNX graph. Repeatable."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write; standard output if not given.",
)
def export(model: str, output: Path | None, to: str, **options: Any) -> None:
    """Write the layers of MODEL as SCALE-Sim or ZigZag reads them, to check a number with them.

    MODEL is a shipped name, or the path of a network file, a workload file or a trained network.
    The file holds shapes: neither tool knows sub-bit weights. As in `simulate`, the full-precision
    layers are left out unless --include-full-precision adds them.
    """
    from simulator.report.files import writable_file, write_file
    from simulator.workload.exporters import export as exported
    from simulator.workload.model import load_model

    if output is not None:
        writable_file(output)
    shape = {name: options.pop(name) for name in ("input_size", "network", "binarize")}
    found = exported(load_model(model, **shape), to, **options)
    if output is None:
        click.echo(found.text, nl=False)
    else:
        write_file(output, lambda path: path.write_text(found.text, encoding="utf-8"))
        click.echo(f"written: {output}: {found.layers} layers")
    for note in found.notes:
        click.echo(f"note: {note}", err=output is None)
