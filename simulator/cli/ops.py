"""`simulate ops`: count parameters and bit operations as the paper does."""

import json
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.formatting import Choice, Command
from simulator.cli.options import (
    NETWORK,
    PRECISION,
    READING,
    SUBSETS,
    option,
    shared,
    workload_from,
)
from simulator.cli.output import console, print_notes

if TYPE_CHECKING:
    from simulator.workload.schema import OpsConvention


_EXAMPLES = """
Examples:

\b
  simulate ops --model r18 --bits 0.56
  simulate ops --model r50-cifar10 --bits 0.59 --activation-bits 32
  simulate ops --model trained-r20-0.56 --json
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@shared("model", *PRECISION, "activation-bits", "input-size", "scope")
@shared("baseline-bits", *READING, *SUBSETS)
@option(
    "--convention",
    section=NETWORK,
    type=Choice(["main_paper", "table6"]),
    help="Convention for counting additions. Default: that of the network file.",
)
@shared("json")
def ops(
    model: str | None,
    convention: "OpsConvention | None",
    as_json: bool,
    **options: Any,
) -> None:
    """Count parameters and bit operations as the paper does.

    The counts are those of Table 6 and Figure 12.
    """
    from simulator.paper.operations import compare_operations

    if model is None:
        raise click.UsageError("missing option --model (see simulate ops --help)")
    workload = workload_from(model, options, "simulate ops")
    counts = compare_operations(workload, convention=convention, **options)
    if as_json:
        click.echo(json.dumps({**counts, "notes": list(workload.notes)}, indent=2))
        return
    from simulator.report.terminal import print_operations

    print_operations(counts, console())
    print_notes(workload.notes)
