"""`simulate ops`: parameters and bit operations as the paper counts them."""

import json
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import network_options, workload_from
from simulator.cli.output import console

if TYPE_CHECKING:
    from simulator.workload.workload import OpsConvention


@click.command()
@network_options
@click.option(
    "--convention",
    type=click.Choice(["main_paper", "table6"]),
    help="How additions are counted; the network file's choice if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ops(
    model: str | None,
    convention: "OpsConvention | None",
    as_json: bool,
    **options: Any,
) -> None:
    """Count parameters and bit operations as the paper does (Table 6, Figure 12)."""
    from simulator.paper.operations import compare_operations

    if model is None:
        raise click.UsageError("missing option --model (see simulate ops --help)")
    workload = workload_from(model, options, "simulate ops")
    counts = compare_operations(workload, convention=convention, **options)
    if as_json:
        click.echo(json.dumps(counts, indent=2))
        return
    from simulator.report.terminal import print_operations

    print_operations(counts, console())
