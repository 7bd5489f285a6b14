"""`simulate extract`: show a network's layers, convert a trained network to a workload file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.base.errors import InputError
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
from simulator.cli.output import console, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.workload.extract import Extraction

_EXAMPLES = """
Examples:

\b
  simulate extract trained-r20-0.56
  simulate extract r18-snn.pth.tar --network r18-snn -o r18-snn.npz
  simulate extract r18.safetensors --network r18 --tau 5 --subset frequent \\
      -o r18-b.npz
  simulate extract r18.npz --network r18 --subset random --seed 1 --bits 0.56 \\
      --layer-tau layer4.1.conv2=4 --out report --json
  simulate extract r18.onnx --binarize 'layer*.conv?' --tau 5 \\
      --subset frequent -o r18-f.npz
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("file")
@shared(*READING, *SUBSETS, *PRECISION, "input-size")
@option(
    "-o",
    "--output",
    section=OUTPUT,
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Workload file to write.",
)
@shared("out", "json", "quiet", out="Folder for layers.csv and kernels.csv.")
def extract(
    *,
    file: str,
    output: Path | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Show a network's layers; convert a trained network.

    Prints shape, subset, indices and binarization error of each layer. -o writes a workload file.

    FILE is a trained network: a PyTorch checkpoint (.pth, .pth.tar, .pt), a state dict
    (.safetensors, .npz), or an ONNX model (.onnx). For a workload file, a network file, or a
    shipped name, the command prints the contents.
    """
    from simulator.base.shipped import find
    from simulator.base.writing import write_file
    from simulator.report import extraction as report
    from simulator.workload.store import write_workload

    path = find("workloads", file)
    if output is not None and output.suffix.lower() != ".npz":
        raise InputError(f"{output}: a workload file's name ends in .npz")
    if output is not None and output.exists() and output.samefile(path):
        raise InputError(f"{output}: is the input file; give the workload another name")
    with progress_on_stderr(quiet) as progress:
        extraction = _extraction(path, options, progress)
    written = report.save(extraction, out) if out else []
    if output is not None:
        written.append(write_file(output, lambda path: write_workload(extraction.workload, path)))
    if as_json:
        click.echo(json.dumps(report.summary(extraction), indent=2))
    elif not quiet:
        report.print_extraction(extraction, console())
        for path in written:
            print_written(path)


def _extraction(path: Path, options: dict[str, Any], progress: "Progress | None") -> "Extraction":
    """The contents of a file; for a trained network, with the subsets that the options choose."""
    from simulator.workload.extract import described, extract
    from simulator.workload.loading import is_trained_file
    from simulator.workload.model import refuse_reading

    choice, reading = choice_from(dict(options)), reading_from(options)
    if not is_trained_file(path):
        require_no_choice(str(path), options)
        binarize = reading.pop("binarize")
        refuse_reading(path, **reading, subset=choice.subset, seed=choice.seed)
        return described(path, options["input_size"], binarize)
    return extract(
        path, input_size=options["input_size"], choice=choice, progress=progress, **reading
    )
