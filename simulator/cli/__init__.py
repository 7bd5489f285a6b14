"""The `simulate` command: parse options, call the API, print results."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from simulator.base.errors import InputError
from simulator.base.version import __version__
from simulator.cli.formatting import Context, unknown_command, write_epilog, write_sections
from simulator.cli.options import (
    OUTPUT,
    PRECISION,
    READING,
    RUN,
    SHAPE,
    SUBSETS,
    baseline_or_none,
    given,
    option,
    shared,
)
from simulator.cli.output import drop, open_closed_streams, print_error, write_any_character

_EXAMPLES = """
Examples:

\b
  simulate --hw cofluent64 --model r18 --bits 0.56
  simulate --hw cofluent64 --model r18 --tau 4 --out out/r18
  simulate --hw cofluent64 --model r34 --bits 0.56 --set array.pes=128
  simulate --hw cofluent64 --model r50 --bits 0.59 --json > r50.json
  simulate --hw cofluent64 --model r18 --bits 0.56 --why --what-helps
  simulate --hw cofluent64 --model r18 --bits 0.56 --energy 45nm
  simulate --hw cofluent64 --model r18 --bits 0.56 --report r18.html
  simulate --hw cofluent64 --model trained-r20-0.56 --check
  simulate --hw machine.yaml --model trained.pth --network network.yaml
"""
_START = """
Examples:

\b
  simulate list
  simulate --hw cofluent64 --model r18 --bits 0.56
  simulate --hw cofluent64 --model r18 --bits 0.56 --why --what-helps
  simulate compare cofluent64 --set array.pes=64,128 --model r18 --bits 0.56
  simulate init my-study
"""

_COMMANDS = (
    "list", "show", "init",
    "compare", "verify", "export", "sweep", "search",
    "ops", "kernels", "extract", "train", "reproduce",
)  # fmt: skip
"""Subcommands: each is the function of the same name in the module of the same name."""
_OTHER_NAMES = {"list": "listing"}
"""The function and module name of a subcommand whose own name would hide a Python built-in."""


class _Interrupted(Exception):  # noqa: N818 # not an error
    """Ctrl-C; click itself would print its own line."""


class _Commands(click.Group):
    """A group that imports a subcommand at its first use, which shortens the start-up time."""

    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # same
        if cmd_name not in _COMMANDS:
            return None
        name = _OTHER_NAMES.get(cmd_name, cmd_name)
        command: click.Command = getattr(import_module(f"simulator.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or fail and suggest the nearest one."""
        if args[0] not in _COMMANDS:
            unknown_command(ctx, args[0], _COMMANDS)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Print a short help if the command line is empty."""
        if not args and not ctx.resilient_parsing:
            click.echo(self._short_help(ctx))
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, then the commands."""
        write_sections(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # click's signature
        """Write the examples without click's indentation."""
        write_epilog(self, formatter)

    def _short_help(self, ctx: click.Context) -> str:
        """Usage, purpose, five examples and the commands, without the options."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(_START.strip())
        self.format_commands(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(
            "simulate --help lists the options, simulate COMMAND --help those of a command."
        )
        return formatter.getvalue().rstrip()

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise _Interrupted from interrupt


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    epilog=_EXAMPLES,
    subcommand_metavar="[COMMAND ...]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@shared("hw", "set", "model", *PRECISION, *SHAPE)
@baseline_or_none
@shared(*READING, *SUBSETS)
@shared("engine", "energy")
@option(
    "--check",
    section=RUN,
    is_flag=True,
    help="Also compute every binary layer as the array does and compare each output integer with "
    "a direct convolution. Exit status 1 if one differs.",
)
@option(
    "--check-seed",
    section=RUN,
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of the check's random activations and missing kernels. Default: 0.",
)
@option(
    "--check-input",
    section=RUN,
    type=click.Path(path_type=Path),
    metavar="FILE.npy",
    help="Input of the first binary layer in the check: [images, channels, height, width].",
)
@option(
    "--why",
    section=OUTPUT,
    is_flag=True,
    help="Also print each layer's cycles by category along the critical path.",
)
@option(
    "--what-helps",
    section=OUTPUT,
    is_flag=True,
    help="Sensitivity analysis: rerun with every numeric key of the hardware file halved and "
    "doubled, and print the changes in time, ranked, with reasons.",
)
@shared(
    "out", "style", out="Folder for summary.json, layers.csv, the trace, timeline and roofline."
)
@option(
    "--report",
    section=OUTPUT,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.html",
    help="Write one self-contained HTML report: timeline, layers, reasons, roofline, assumptions.",
)
@option(
    "--perfetto",
    section=OUTPUT,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a trace for ui.perfetto.dev, gzipped if the name ends in .gz.",
)
@shared("json", "quiet")
@click.version_option(__version__, prog_name="simulate")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Simulate 1-bit and sub-bit neural networks on a PE array, cycle by cycle.

    Runs the network at the given bits per weight and, on the same hardware, at 1 bit. Prints
    cycles, times, speedup, utilization, and bottlenecks by layer and by stage.
    """
    if context.invoked_subcommand is None:
        from simulator.cli.run import run

        run(**options)
        return
    for stray in given(context):
        raise click.UsageError(
            f"{stray.opts[0]} before {context.invoked_subcommand!r} would have no effect: put it "
            "after the command"
        )


def main() -> None:
    """Run the command; wrong input gives one line on stderr and exit status 2."""
    open_closed_streams()
    write_any_character()
    try:
        cli.main(prog_name="simulate", standalone_mode=False)
        sys.stdout.flush()  # detect a closed pipe here, not at Python's shutdown
    except InputError as error:
        _fail(str(error))
    except click.ClickException as error:
        _fail(error.format_message())
    except (_Interrupted, click.Abort, KeyboardInterrupt):
        print_error("simulate: interrupted")
        sys.exit(130)
    except BrokenPipeError:
        drop(sys.stdout)
        sys.exit(141)
    except MemoryError as error:
        _fail(f"out of memory: {str(error) or 'use a smaller network or study'}")
    except OSError as error:
        if error.filename is not None:  # all code that opens files reports their errors
            raise
        drop(sys.stdout)
        _fail(f"the output cannot be written: {error.strerror}")


def _fail(message: str) -> NoReturn:
    print_error(f"simulate: {InputError(message)}")
    sys.exit(2)
