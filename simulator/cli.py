"""The `simulate` command: parses, calls the API, prints."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator import __version__
from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.run import Progress
    from simulator.workload.workload import OpsConvention

_EXAMPLES = """
Examples:

\b
  simulate --hw cofluent64 --model r18 --bits 0.56
  simulate --hw hw_configs/cofluent64.yaml --model r18 --tau 4 --out out/r18
  simulate --hw cofluent64 --model r34 --bits 0.56 --set array.pes=128
  simulate --hw cofluent64 --model r50 --bits 0.59 --json > r50.json
  simulate ops --model r50-cifar10 --bits 0.59 --activation-bits 1
  simulate reproduce table4
"""


def _input_size(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """`224`, or `600x1000` as height x width."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() and 0 < int(part) < 1 << 16 for part in parts):
        raise click.BadParameter(f"{text!r} is no size: expected pixels such as 224 or 600x1000")
    return int(parts[0]), int(parts[-1])


def _network_options(command: Any) -> Any:
    """Options that say which network at which precision."""
    for option in (
        click.option(
            "--include-full-precision",
            is_flag=True,
            help="Add the full-precision first, last and downsample layers.",
        ),
        click.option(
            "--input-size",
            metavar="SIZE",
            callback=_input_size,
            help="Input height x width in pixels, such as 160 or 600x1000, instead of the file's.",
        ),
        click.option(
            "--baseline-bits",
            type=float,
            default=1.0,
            show_default=True,
            help="Bits per weight of the baseline.",
        ),
        click.option(
            "--activation-bits",
            type=int,
            default=1,
            show_default=True,
            help="Bits per activation, 1 to 32; they go bit-serially through the dot unit.",
        ),
        click.option("--tau-1x1", type=int, help="Bits of a 1x1 vector's index, 1 to 8."),
        click.option(
            "--tau", type=int, help="Bits of a 3x3 kernel's index, 1 to 9, instead of --bits."
        ),
        click.option("--bits", type=float, help="Bits per weight, such as 0.56; 1 is a BNN."),
        click.option("--model", help="Network: a shipped name or a path to its YAML file."),
    ):
        command = option(command)
    return command


@click.group(
    invoke_without_command=True,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--hw", help="Hardware: a shipped name or a path to its YAML file.")
@_network_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the hardware file, e.g. array.pes=128. Repeatable; the report says "
    "what each one did.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Images per run.")
@click.option("--engine", default="event", show_default=True, help="Which engine runs the program.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for summary.json, layers.csv, trace.parquet, timeline.png and .svg.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
@click.version_option(__version__, prog_name="simulate")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Simulate a 1-bit or sub-bit neural network on a PE array, cycle by cycle.

    Runs the network at the given bits per weight and, on the same hardware, at 1 bit; prints
    cycles, times, speedup, utilisation and what binds, by layer and by stage.
    """
    if context.invoked_subcommand is None:
        _simulate(**options)
        return
    source = click.core.ParameterSource.COMMANDLINE
    stray = [name for name in options if context.get_parameter_source(name) is source]
    if stray:
        option = {"settings": "set", "as_json": "json"}.get(stray[0], stray[0]).replace("_", "-")
        raise click.UsageError(
            f"--{option} stands before {context.invoked_subcommand!r}, where it would have no "
            "effect: put it behind"
        )


def _simulate(
    *,
    hw: str | None,
    model: str | None,
    input_size: tuple[int, int] | None,
    settings: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **run_options: Any,
) -> None:
    """The main job."""
    from simulator.hardware import load_hardware
    from simulator.run import simulate, with_settings
    from simulator.workload import load_workload

    if hw is None or model is None:
        missing = "--hw" if hw is None else "--model"
        raise click.UsageError(f"missing option {missing} (see simulate --help)")
    if run_options["bits"] is None and run_options["tau"] is None:
        raise click.UsageError("missing option --bits or --tau (see simulate --help)")
    hardware = load_hardware(hw, settings)
    workload = load_workload(model, input_size)
    if out is not None:
        from simulator.report.files import writable_folder

        writable_folder(out)
    with _progress(quiet) as progress:
        result = simulate(workload, hardware, progress=progress, **run_options)
        if settings:
            result = with_settings(result, hw, settings, progress)
    if out is not None:
        result.save(out)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        from simulator.report.terminal import print_result

        print_result(result, _console())
        if out is not None:
            click.echo(
                f"written: {out}/summary.json, layers.csv, trace.parquet, timeline.png, .svg"
            )


def _console() -> Any:
    """Standard output; as wide as the table where it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160)


@contextmanager
def _progress(quiet: bool) -> Iterator["Progress | None"]:
    """A progress bar on stderr for what takes longer than two seconds, if somebody looks on."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from simulator.report.progress import progress_bar

    with progress_bar() as report:
        yield report


@cli.command()
@_network_options
@click.option(
    "--convention",
    type=click.Choice(["main_paper", "table6"]),
    help="How additions are counted; the network file's choice if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ops(
    model: str | None,
    input_size: tuple[int, int] | None,
    convention: "OpsConvention | None",
    as_json: bool,
    **options: Any,
) -> None:
    """Count parameters and bit operations as the paper does (Table 6, Figure 12)."""
    from simulator.paper.operations import compare_operations
    from simulator.workload import load_workload

    if model is None:
        raise click.UsageError("missing option --model (see simulate ops --help)")
    if options["bits"] is None and options["tau"] is None:
        raise click.UsageError("missing option --bits or --tau (see simulate ops --help)")
    counts = compare_operations(load_workload(model, input_size), convention=convention, **options)
    if as_json:
        click.echo(json.dumps(counts, indent=2))
        return
    from simulator.report.terminal import print_operations

    print_operations(counts, _console())


@cli.command()
@click.argument("item", type=click.Choice(["table4", "table6", "figure12", "figure13"]))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Folder for the Markdown, CSV and figures.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def reproduce(item: str, out: Path, quiet: bool) -> None:
    """Regenerate a table or figure of the paper, with the printed value beside ours."""
    from simulator.paper import reproduce as reproduce_item

    with _progress(quiet) as progress:
        written = reproduce_item(item, out, progress)
    for path in written:
        click.echo(path)


def main() -> None:
    """Run the command; wrong input is one line on stderr and exit status 2."""
    try:
        cli.main(standalone_mode=False)
    except InputError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        click.echo("simulate: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _fail(message: str) -> None:
    click.echo("simulate: " + " ".join(message.split()), err=True)
    sys.exit(2)
