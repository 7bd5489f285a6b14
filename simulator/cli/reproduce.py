"""`simulate reproduce`: the paper's tables and figures."""

from pathlib import Path

import click

from simulator.cli.output import progress_on_stderr


@click.command()
@click.argument(
    "item", type=click.Choice(["table4", "table6", "figure12", "figure13", "training-speed"])
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Folder for the Markdown, CSV and figures.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def reproduce(item: str, out: Path, quiet: bool) -> None:
    """Regenerate a table or figure of the paper, with the printed value beside ours.

    Or, as training-speed, the simulated speed of the trained networks that are shipped.
    """
    from simulator.paper import reproduce as reproduce_item

    with progress_on_stderr(quiet) as progress:
        written = reproduce_item(item, out, progress)
    for path in written:
        click.echo(path)
