"""`simulate search`: find the best index width of each layer, or the folding of a pipeline."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli import folding
from simulator.cli.formatting import Choice, Command
from simulator.cli.options import (
    NETWORK,
    READING,
    SHAPE,
    SUBSETS,
    baseline_or_none,
    option,
    reading_from,
    shared,
)
from simulator.cli.output import console, print_notes, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.studies.search import SearchResult

_EXAMPLES = """
Examples:

\b
  simulate search --hw cofluent64 --model r18 --objective bits --max-time-ms 0.9
  simulate search --hw cofluent64 --model r18 --objective time \\
      --min-mean-bits 0.5
  simulate search --hw cofluent64 --model r18 --objective capacity \\
      --max-time-ms 0.9 --taus 3:7:+1,9
  simulate search --hw cofluent64 --model r18 --objective time --max-mbit 5 \\
      --set array.pes=16:128:x2 --set memory.dram.bytes_per_cycle=4,16 \\
      --out found
  simulate search --hw pipeline.yaml --model cnv-w1a1 --objective area \\
      --min-images-per-s 3000 --bits 0.56 --out found
  simulate search --hw pipeline.yaml --model cnv-w1a1 --objective rate \\
      --max-area 2000000
"""


_LIMITS = "Limits"
_LIMIT_OPTIONS = ("max_time_ms", "mean_bits", "min_mean_bits", "max_mbit")


@click.command(cls=Command, epilog=_EXAMPLES)
@shared("hw", required=("hw",))
@shared(
    "set",
    lists=True,
    set="Key of the hardware file to search over, such as array.pes=16:128:x2. Repeatable.",
)
@shared("model", required=("model",))
@option(
    "--taus",
    "allowed",
    section=NETWORK,
    metavar="VALUES",
    help="Index widths allowed in a layer, in bits; 9 is 1 bit per weight. May be a list or range. "
    "Default: all widths whose subsets the PEs store.",
)
@shared(
    "bits",
    "tau",
    "tau-1x1",
    "layer-tau",
    *SHAPE,
    bits="Bits per weight, such as 0.56, for a folding. Default: 1.",
    batch="Images per run, 1 to 65536. A folding needs at least 4; its default is 8.",
)
@baseline_or_none
@shared(*READING, *SUBSETS)
@option(
    "--objective",
    section=_LIMITS,
    type=Choice(
        ["bits", "time", "capacity", "energy", "energy-delay", "time-area", "area", "rate"]
    ),
    required=True,
    help="bits: store the least within --max-time-ms. capacity: store the most within it. time: "
    "run fastest within limits of storage. energy, energy-delay, time-area: least energy or "
    "product within limits of storage. area: fold the stages of a pipeline for the least area with "
    "--min-images-per-s. rate: fold them for the most images/s within --max-area.",
)
@option(
    "--max-time-ms", section=_LIMITS, type=float, metavar="MS", help="Longest time of a run in ms."
)
@option(
    "--mean-bits",
    section=_LIMITS,
    type=float,
    metavar="BITS",
    help="Most bits per weight on average, such as 0.5.",
)
@option(
    "--min-mean-bits",
    section=_LIMITS,
    type=float,
    metavar="BITS",
    help="Fewest bits per weight on average.",
)
@option(
    "--max-mbit",
    section=_LIMITS,
    type=float,
    metavar="MBIT",
    help="Most bits stored in the binary layers, in 1e6 bits.",
)
@option(
    "--min-images-per-s",
    section=_LIMITS,
    type=float,
    metavar="N",
    help="Least images per second of a pipeline.",
)
@option(
    "--max-area",
    section=_LIMITS,
    type=float,
    metavar="GE",
    help="Most gate equivalents of a pipeline.",
)
@shared("engine", "energy", energy="Energy table: a shipped name or a path. Default: 45nm.")
@shared(
    "out",
    "json",
    "quiet",
    out="Folder for search.json, and front.csv, front.png and front.svg, or found.yaml: a hardware "
    "file with the folding.",
)
@click.pass_context
def search(
    context: click.Context,
    /,
    *,
    model: str,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find the best bits of each layer, or fold a pipeline.

    The limits are on time or on storage; the search chooses an index width for every layer.
    Accuracy is not modeled: --taus lists the widths that the network's training allows. On a
    pipeline, whose layers run at once, the search chooses the parallelism of every stage instead.
    """
    folding.require_options(context, options["objective"])
    if options["objective"] in folding.LIMITS:
        output: dict[str, Any] = {"out": out, "as_json": as_json, "quiet": quiet}
        folding.search_folding(context, model=model, **output, **options)
        return
    for name in folding.OWN:
        del options[name]
    from simulator.base.writing import folder_for
    from simulator.studies.search.output import save_search

    if out is not None:
        folder_for("search.json", out)
    with progress_on_stderr(quiet, unit="hardware") as progress:
        result = _found(model, progress, **options)
    if out is not None:
        save_search(result, out)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        _print(result)
        if out is not None:
            print_written(f"{out}/search.json, front.csv, front.png, .svg")


def _found(
    model: str,
    progress: "Progress | None",
    *,
    hw: str,
    settings: tuple[str, ...],
    allowed: str | None,
    taus: dict[str, int],
    energy: str | None,
    **options: Any,
) -> "SearchResult":
    """Read the inputs, and search."""
    from simulator.studies.axes import DEFAULT_ENERGY, axis, setting_axis
    from simulator.studies.search import (
        Limits,
        machines_of,
        read_networks,
        search,
        storable_taus,
    )

    machines = machines_of(hw, [setting_axis(setting) for setting in settings])
    given = storable_taus(machines) if allowed is None else axis("tau", allowed).values
    limits = Limits(**{name: options.pop(name) for name in _LIMIT_OPTIONS})
    widths = [tau for tau in given if isinstance(tau, int)]
    network, chosen = read_networks(
        model,
        [*widths, *taus.values()],
        subset=options.pop("subset"),
        seed=options.pop("seed"),
        input_size=options.pop("input_size"),
        progress=progress,
        **reading_from(options),
    )
    return search(
        network,
        machines,
        limits=limits,
        taus=widths,
        fixed=taus,
        chosen=chosen,
        energy=energy or DEFAULT_ENERGY,
        progress=progress,
        **options,
    )


def _print(result: "SearchResult") -> None:
    from simulator.studies.search.output import print_search

    print_search(result, console())
    print_notes(result.notes)
