"""`simulate extract`: the file of a trained network into a workload file."""

import json
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import choice_from, input_size, trained_options
from simulator.cli.output import console, print_written, progress_on_stderr
from simulator.errors import InputError

_EXAMPLES = """
Examples:

\b
  simulate extract r18-snn.pth.tar --network r18-snn -o r18-snn.npz
  simulate extract r18.safetensors --network r18 --tau 5 --subset frequent -o r18-b.npz
  simulate extract r18.npz --network r18 --subset random --seed 1 --bits 0.56
        --layer-tau layer4.1.conv2=4 --out report --json
  simulate extract r18.onnx --binarize 'layer*.conv?' --tau 5 --subset frequent -o r18-f.npz
"""


@click.command(epilog=_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Workload file to write (.npz)."
)
@trained_options
@click.option("--bits", type=float, help="Bits per weight, such as 0.56; 1 is a BNN.")
@click.option("--tau", type=int, help="Bits of a 3x3 kernel's index, 1 to 9, instead of --bits.")
@click.option("--tau-1x1", type=int, help="Bits of a 1x1 vector's index, 1 to 8.")
@click.option(
    "--input-size",
    metavar="SIZE",
    callback=input_size,
    help="Input height x width in pixels, such as 160 or 600x1000, instead of the network's.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for layers.csv and kernels.csv."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def extract(
    *,
    file: Path,
    output: Path | None,
    network: str | None,
    input_size: tuple[int, int] | None,
    binarize: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Read a trained network: per layer its shape, subset, indices and binarisation error.

    FILE is a PyTorch checkpoint (.pth, .pth.tar, .pt), a state dict as .safetensors or .npz, or an
    ONNX model (.onnx).
    """
    from simulator.report import extraction as report
    from simulator.report.files import write_file
    from simulator.workload.extract import extract as extract_file
    from simulator.workload.store import write_workload

    if output is not None and output.suffix.lower() != ".npz":
        raise InputError(f"{output}: a workload file's name ends in .npz")
    if output is not None and output.exists() and output.samefile(file):
        raise InputError(f"{output}: is the file that is read; give the workload another name")
    with progress_on_stderr(quiet) as progress:
        extraction = extract_file(
            file,
            network=network,
            input_size=input_size,
            choice=choice_from(options),
            binarize=binarize,
            progress=progress,
        )
    written = report.save(extraction, out) if out else []
    if output is not None:
        written.append(write_file(output, lambda path: write_workload(extraction.workload, path)))
    if as_json:
        click.echo(json.dumps(report.summary(extraction), indent=2))
    elif not quiet:
        report.print_extraction(extraction, console())
        for path in written:
            print_written(path)
