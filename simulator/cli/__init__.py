"""The `simulate` command: parses, calls the API, prints."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from simulator import __version__
from simulator.cli.options import network_options
from simulator.errors import InputError

_EXAMPLES = """
Examples:

\b
  simulate --hw cofluent64 --model r18 --bits 0.56
  simulate --hw hw_configs/cofluent64.yaml --model r18 --tau 4 --out out/r18
  simulate --hw cofluent64 --model r34 --bits 0.56 --set array.pes=128
  simulate --hw cofluent64 --model r50 --bits 0.59 --json > r50.json
  simulate --hw cofluent64 --model r18 --bits 0.56 --why --what-helps
  simulate compare cofluent64 cofluent64,array.pes=128 --model r18 --bits 0.56
  simulate --hw cofluent64 --model r18 --bits 0.56 --check
  simulate --hw cofluent64 --model r18 --bits 0.56 --energy 45nm
  simulate ops --model r50-cifar10 --bits 0.59 --activation-bits 1
  simulate extract r18-snn.pth.tar --network r18-snn -o r18-snn.npz
  simulate --hw cofluent64 --model r18-snn.npz
  simulate reproduce table4
  simulate sweep --hw cofluent64 --model r18 --tau 1:8:+1 --set array.pes=16:1024:x2 --out study
  simulate search --hw cofluent64 --model r18 --objective bits --max-time-ms 0.9
"""


_COMMANDS = (
    "compare",
    "export",
    "extract",
    "kernels",
    "ops",
    "reproduce",
    "search",
    "sweep",
    "train",
    "verify",
)
"""Subcommands: each the function of its own name in the module of its own name."""


class _Commands(click.Group):
    """A group that imports a subcommand when it is used: start-up time counts."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # same
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"simulator.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--hw", help="Hardware: a shipped name or a path to its YAML file.")
@network_options
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a key of the hardware file, e.g. array.pes=128. Repeatable; the report says "
    "what each one did.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Images per run.")
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    help="auto, fast or event (SimPy, the reference); both give the same cycles.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Also compute every binary layer as the array does and compare each output integer with "
    "a direct convolution; exit status 1 if one differs.",
)
@click.option(
    "--check-seed",
    type=click.IntRange(min=0),
    help="Seed of the check's random activations, and of kernels where there are none; else 0.",
)
@click.option(
    "--check-input",
    type=click.Path(path_type=Path),
    metavar="FILE.npy",
    help="Input of the first binary layer in the check: [images, channels, height, width].",
)
@click.option(
    "--energy",
    metavar="TABLE",
    help="Price the run by an energy table: a shipped name (45nm, 7nm) or a path to its YAML file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for summary.json, layers.csv, trace.parquet (trace.csv without pyarrow), timeline "
    "and roofline (.png, .svg).",
)
@click.option(
    "--why",
    is_flag=True,
    help="Also print, per layer, what its cycles were spent on along the critical path.",
)
@click.option(
    "--what-helps",
    is_flag=True,
    help="Run again with every numeric key of the hardware file halved, and doubled; print the "
    "effects on the time, ranked, each with its reason.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write one self-contained page: timeline to zoom, layers, reasons, roofline, assumptions.",
)
@click.option(
    "--perfetto",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a trace for ui.perfetto.dev; gzipped if the name ends in .gz.",
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
        from simulator.cli.run import run

        run(**options)
        return
    source = click.core.ParameterSource.COMMANDLINE
    stray = [name for name in options if context.get_parameter_source(name) is source]
    if stray:
        option = {"settings": "set", "as_json": "json", "taus": "layer-tau"}.get(
            stray[0], stray[0]
        ).replace("_", "-")
        raise click.UsageError(
            f"--{option} stands before {context.invoked_subcommand!r}, where it would have no "
            "effect: put it behind"
        )


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
