"""`simulate show`: print one shipped file."""

import click

from simulator.base.errors import InputError
from simulator.base.nearest import did_you_mean
from simulator.base.shipped import Kind, noun, shipped_files, titles
from simulator.cli.formatting import Choice, Command
from simulator.cli.options import option
from simulator.cli.output import console

_KINDS: dict[str, Kind] = {
    "network": "workloads",
    "machine": "hw_configs",
    "dram": "hw_configs/dram",
    "energy": "hw_configs/energy",
}
_EXAMPLES = """
Examples:

\b
  simulate show cofluent64 > machine.yaml
  simulate show r18 > network.yaml
  simulate show trained-r20-0.56
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("name")
@option(
    "--kind",
    section="Options",
    type=Choice(list(_KINDS)),
    help="Kind of the file, if files of several kinds have that name.",
)
def show(name: str, kind: str | None) -> None:
    """Print a shipped file, to copy.

    NAME is a network, hardware file, DRAM table or energy table. A trained network is a binary
    file; its layers are printed instead.
    """
    chosen = _chosen(name, list(_KINDS) if kind is None else [kind])
    path = shipped_files(_KINDS[chosen])[name]
    if path.suffix == ".yaml":
        click.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    from simulator.base.lines import print_line
    from simulator.report.extraction import print_extraction
    from simulator.workload.extract import described

    print_line(
        console(),
        f"{name} is a binary workload file; its layers follow. To copy it: simulate extract {name} "
        "-o FILE.npz\n",
    )
    print_extraction(described(path), console())


def _chosen(name: str, kinds: list[str]) -> str:
    """Return the one kind that has a file of this name.

    Raises:
        InputError: no kind has a file of this name, or several kinds have one.

    """
    found = [kind for kind in kinds if name in shipped_files(_KINDS[kind])]
    if len(found) > 1:
        nouns = ", ".join(f"--kind {kind} ({noun(_KINDS[kind])})" for kind in found)
        raise InputError(f"{name!r} names several files; choose one with {nouns}")
    if found:
        return found[0]
    known = {file: path for kind in kinds for file, path in shipped_files(_KINDS[kind]).items()}
    what = "shipped file" if len(kinds) > 1 else noun(_KINDS[kinds[0]])
    hint = f"{did_you_mean(name, known, titles(known))} `simulate list` prints the names".lstrip()
    raise InputError(f"unknown {what} {name!r}: {hint}")
