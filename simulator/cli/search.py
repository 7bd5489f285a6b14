"""`simulate search`: which tau each layer should have."""

import json
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import input_size
from simulator.cli.output import console, progress_on_stderr

_EXAMPLES = """
Examples:

\b
  simulate search --hw cofluent64 --model r18 --objective bits --max-time-ms 0.9
  simulate search --hw cofluent64 --model r18 --objective time --min-mean-bits 0.5
  simulate search --hw cofluent64 --model r18 --objective capacity --max-time-ms 0.9 --taus 3:7:+1,9
  simulate search --hw cofluent64 --model r18 --objective time --max-mbit 5 \\
      --set array.pes=16:128:x2 --set memory.dram.bytes_per_cycle=4,16 --out found
"""


@click.command(epilog=_EXAMPLES)
@click.option("--hw", required=True, help="Hardware: a shipped name or a path to its YAML file.")
@click.option("--model", required=True, help="Network: a shipped name or a path to its YAML file.")
@click.option(
    "--objective",
    type=click.Choice(["bits", "time", "capacity"]),
    required=True,
    help="bits: store least within --max-time-ms; capacity: store most within it; time: run "
    "fastest within limits of storage.",
)
@click.option("--max-time-ms", type=float, help="The run may take this long.")
@click.option("--mean-bits", type=float, help="Store no more bits per weight, such as 0.5.")
@click.option("--min-mean-bits", type=float, help="Store no fewer bits per weight.")
@click.option(
    "--max-mbit", type=float, help="Store no more than this in the binary layers, 1e6 bits."
)
@click.option(
    "--taus",
    default="1:9:+1",
    show_default=True,
    metavar="VALUES",
    help="Taus that a layer may have; 9 is 1 bit per weight.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUES",
    help="Search the hardware too: a value, list or range of a key. Repeatable.",
)
@click.option("--activation-bits", type=int, default=1, show_default=True, help="1 to 32.")
@click.option("--batch", type=int, default=1, show_default=True, help="Images per run.")
@click.option("--input-size", metavar="SIZE", callback=input_size, help="160 or 600x1000.")
@click.option("--include-full-precision", is_flag=True, help="Add the full-precision layers.")
@click.option("--engine", default="auto", show_default=True, help="Which engine runs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for search.json, front.csv, front.png and front.svg.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def search(
    *,
    hw: str,
    model: str,
    input_size: tuple[int, int] | None,
    max_time_ms: float | None,
    mean_bits: float | None,
    min_mean_bits: float | None,
    max_mbit: float | None,
    taus: str,
    settings: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find the tau of every layer that does best under a limit of time or of storage.

    Accuracy is not modelled: --taus says what the network's training can bear.
    """
    from simulator.report.files import writable_folder
    from simulator.studies.axes import axis, setting_axis
    from simulator.studies.search import Limits, machines_of
    from simulator.studies.search import search as find
    from simulator.studies.search.output import print_search, save_search
    from simulator.workload import load_workload

    if out is not None:
        writable_folder(out)
    limits = Limits(
        max_time_ms=max_time_ms,
        mean_bits=mean_bits,
        min_mean_bits=min_mean_bits,
        max_mbit=max_mbit,
    )
    allowed = [tau for tau in axis("tau", taus).values if isinstance(tau, int)]
    workload = load_workload(model, input_size)
    machines = machines_of(hw, [setting_axis(setting) for setting in settings])
    with progress_on_stderr(quiet, unit="hardware") as progress:
        result = find(workload, machines, limits=limits, taus=allowed, progress=progress, **options)
    if out is not None:
        save_search(result, out)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        print_search(result, console())
        if out is not None:
            click.echo(f"written: {out}/search.json, front.csv, front.png, .svg")
