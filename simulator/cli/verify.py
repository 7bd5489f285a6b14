"""`simulate verify`: a saved result against its rerun."""

import sys
from pathlib import Path

import click

from simulator.cli.output import progress_on_stderr

_EXAMPLES = """
Examples:

\b
  simulate verify out/r18
  simulate verify out/r18/summary.json
  simulate verify out/trained --model moved/net.npz
"""


@click.command(epilog=_EXAMPLES)
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--model",
    metavar="FILE",
    help="File of the trained kernels, if summary.json names a file that has moved.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def verify(result: Path, model: str | None, quiet: bool) -> None:
    """Rerun what made RESULT and compare every value.

    RESULT is a folder that --out made, or its summary.json. Prints "equal", or the first difference
    with its place. The exit status is 0 if all values are equal, 1 if one differs, and 2 if the
    file is not a result.
    """
    from simulator.verification import verify as rerun

    with progress_on_stderr(quiet) as progress:
        found = rerun(result, model=model, progress=progress)
    if not quiet:
        for note in found.notes:
            click.echo(f"note: {note}")
        click.echo(str(found))
    if not found.equal:
        sys.exit(1)
