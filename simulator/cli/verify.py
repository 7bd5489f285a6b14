"""`simulate verify`: compare a saved result with its rerun."""

import sys
from pathlib import Path

import click

from simulator.base.lines import print_line
from simulator.cli.formatting import Command
from simulator.cli.options import shared
from simulator.cli.output import console, progress_on_stderr

_EXAMPLES = """
Examples:

\b
  simulate verify out/r18
  simulate verify out/r18/summary.json
  simulate verify out/trained --model moved/net.npz
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("result", type=click.Path(path_type=Path))
@shared(
    "model",
    "quiet",
    model="File of the trained kernels, if summary.json names a file that has moved.",
)
def verify(result: Path, model: str | None, quiet: bool) -> None:
    """Rerun a saved result and compare every value.

    RESULT is a folder that --out made, or its summary.json. Prints "equal", or the first difference
    with its place. The exit status is 0 if all values are equal, 1 if one differs, and 2 if the
    file is not a result.
    """
    from simulator.api.verification import verify as rerun

    with progress_on_stderr(quiet) as progress:
        found = rerun(result, model=model, progress=progress)
    if not quiet:
        for line in (*(f"note: {note}" for note in found.notes), str(found)):
            print_line(console(), line)
    if not found.equal:
        sys.exit(1)
