"""`simulate compare`: two results, or two configurations, side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import network_options, workload_from
from simulator.cli.output import console, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.report.saved import Saved
    from simulator.run import Progress

_EXAMPLES = """
Examples:

\b
  simulate compare out/r18 out/r18-128pes
  simulate compare cofluent64 cofluent64,array.pes=128 --model r18 --bits 0.56
  simulate compare out/r18 my/array.yaml --model r18 --bits 0.56 --out out/compared
"""


@click.command(epilog=_EXAMPLES)
@click.argument("a")
@click.argument("b")
@network_options
@click.option("--batch", type=int, default=1, show_default=True, help="Images per run.")
@click.option("--engine", default="auto", show_default=True, help="auto, fast or event.")
@click.option(
    "--energy", metavar="TABLE", help="Price the runs by an energy table: 45nm, 7nm, a file."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for compare.md and compare.json."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
@click.pass_context
def compare(
    context: click.Context,
    /,
    *,
    a: str,
    b: str,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Say what differs between A and B: configuration, time by layer, and why.

    A and B each are a folder that --out made, or a hardware file or shipped name, with settings
    behind commas if need be, which is then run with --model and --bits.
    """
    from simulator.report.compare import Comparison
    from simulator.report.files import writable_folder, write_file

    _no_option_without_effect(context, [a, b])
    with progress_on_stderr(quiet) as progress:
        one, other = (_result(name, options, progress) for name in (a, b))
    comparison = Comparison(name_a=a, name_b=b, a=one, b=other)
    text = json.dumps(comparison.as_json(), indent=2)
    if out is not None:
        from simulator.report.compare_text import markdown

        writable_folder(out)
        document = markdown(comparison)
        write_file(out / "compare.md", lambda path: path.write_text(document, encoding="utf-8"))
        write_file(out / "compare.json", lambda path: path.write_text(text + "\n"))
    if as_json:
        click.echo(text)
    elif not quiet:
        from simulator.report.compare_text import print_comparison

        print_comparison(comparison, console())
        if out is not None:
            print_written(f"{out}/compare.md, compare.json")


def _saved(name: str) -> bool:
    """Whether an argument means a saved result."""
    return Path(name).is_dir() or name.endswith(".json")


def _no_option_without_effect(context: click.Context, names: list[str]) -> None:
    if not all(map(_saved, names)):
        return
    source = click.core.ParameterSource.COMMANDLINE
    own = {"a", "b", "out", "as_json", "quiet"}
    for option in context.command.params:
        name = str(option.name)
        if name not in own and context.get_parameter_source(name) is source:
            raise click.UsageError(
                f"{option.opts[0]} has no effect on results that are saved already"
            )


def _result(name: str, options: dict[str, Any], progress: "Progress | None") -> "Saved":
    """A saved result, or a new one of a hardware file and its settings."""
    from simulator.report.saved import as_saved, read_saved

    if _saved(name):
        return read_saved(Path(name))
    from simulator.hardware import load_energy, load_hardware
    from simulator.run import simulate

    hw, *settings = name.split(",")
    hardware = load_hardware(hw, settings)
    run_options = dict(options)
    model, energy = run_options.pop("model"), run_options.pop("energy")
    if model is None:
        raise click.UsageError(f"missing option --model for {name} (see simulate compare --help)")
    workload = workload_from(model, run_options, "simulate compare", progress)
    result = simulate(workload, hardware, progress=progress, **run_options)
    if energy is not None:
        result = result.with_energy(load_energy(energy))
    return as_saved(result.saved(), name)
