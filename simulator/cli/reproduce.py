"""`simulate reproduce`: regenerate the paper's tables and figures."""

from pathlib import Path

import click

from simulator.cli.formatting import Choice, Command
from simulator.cli.options import shared
from simulator.cli.output import progress_on_stderr

_EXAMPLES = """
Examples:

\b
  simulate reproduce table6 --out out/paper
  simulate reproduce training-speed
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument(
    "item",
    metavar="ITEM",
    type=Choice(
        [
            "table4",
            "table6",
            "figure12",
            "figure13",
            "fair",
            "equal-area",
            "networks",
            "whole-network",
            "pe-study",
            "pipelines",
            "training-speed",
            "accuracy",
            "silicon",
        ]
    ),
)
@shared(
    "out",
    "quiet",
    out="Folder for the Markdown, CSV and figures. Default: reports.",
    quiet="No progress bar.",
)
def reproduce(item: str, out: Path | None, quiet: bool) -> None:
    """Regenerate a table or figure of the paper.

    Shows the printed value next to the simulated one. ITEM is table4, table6, figure12,
    figure13, fair (sub-bit and 1-bit weights, each on its own best machine of the same area),
    equal-area (the paper's array and a dense array of the same area, in full precision too),
    networks (the networks of Tables 6 and 7 on three machines), whole-network (the part of the
    speedup that whole networks keep), pe-study (ResNet-18 on 16 to 256 PEs), pipelines
    (pipelines with and without shared kernels, at equal rate and at equal area), training-speed
    (the shipped trained networks), accuracy (the accuracies of Tables 6 to 8 against time and
    energy), or silicon (pipelines against measurements of two boards). fair runs
    14,112 points: minutes with the extra `fast`, ten times as long without it.
    """
    from simulator.paper import reproduce as reproduce_item

    with progress_on_stderr(quiet) as progress:
        written = reproduce_item(item, out or Path("reports"), progress)
    for path in written:
        click.echo(path)
