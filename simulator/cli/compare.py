"""`simulate compare`: compare two results, or two hardware configurations."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.base import guard
from simulator.cli.formatting import Command, number
from simulator.cli.options import (
    NETWORK,
    PRECISION,
    READING,
    SHAPE,
    SUBSETS,
    baseline_or_none,
    given,
    is_several,
    option,
    shared,
    workload_from,
)
from simulator.cli.output import console, print_notes, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.analysis.saved import Saved
    from simulator.base.progress import Progress
    from simulator.workload import Workload

_EXAMPLES = """
Examples:

\b
  simulate compare out/r18 out/r18-128pes
  simulate compare cofluent64 --set array.pes=64,128 --model r18 --bits 0.56
  simulate compare cofluent64 machine.yaml --model r18 --bits 0.56 --out out/ab
  simulate compare out/r18 machine.yaml --set array.pes=128 \\
      --model r18 --bits 0.56
  simulate compare cnv-w1a1 --model cnv-w1a1 --bits 1,0.56
"""


_READING = ("network", "renames", "center", "binarize")
"""The parameters of `READING`."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the comparison: a saved result, or a hardware file with its overrides."""

    name: str
    settings: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Overrides that the other side lacks."""
    bits: tuple[float, ...] = ()
    """Bits per weight, if the two sides have different ones."""

    @property
    def is_saved(self) -> bool:
        """True for a folder from --out, or its summary.json."""
        return _is_saved(self.name)

    @property
    def title(self) -> str:
        """The name, and the overrides and the bits that the other side lacks."""
        return " ".join((self.name, *self.own, *(f"--bits {bits:g}" for bits in self.bits)))


def _parse_bits(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[float, ...]:
    """Parse `0.56`, or `1,0.56`: one number for A and one for B."""
    values = tuple(number(part) for part in text.split(",")) if text is not None else ()
    if len(values) > 2:
        raise click.BadParameter(f"{text!r}: expected one number, or two, for A and B")
    return values


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("a")
@click.argument("b", required=False)
@shared(
    "set",
    set="Override a key of the hardware files: one value for both sides, or one for A and one for "
    "B, such as array.pes=64,128. Repeatable.",
)
@shared("model")
@option(
    "--bits",
    section=NETWORK,
    metavar="BITS",
    callback=_parse_bits,
    help="Bits per weight: one number for both sides, or one for A and one for B, such as 1,0.56.",
)
@shared(*(name for name in PRECISION if name != "bits"), *SHAPE)
@baseline_or_none
@shared(*READING, *SUBSETS, "engine", "energy")
@shared("out", "json", "quiet", out="Folder for compare.md and compare.json.")
@click.pass_context
def compare(
    context: click.Context,
    /,
    *,
    a: str,
    b: str | None,
    settings: tuple[str, ...],
    bits: tuple[float, ...],
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Compare two results or two hardware configurations.

    Prints the differences in configuration and in time by layer, with reasons. A and B are results
    saved by --out (a folder), or hardware files, which are run with --model and --bits. Without B,
    the hardware file A is compared with itself under two values of --set or --bits.
    """
    from simulator.api.comparison import Comparison
    from simulator.base.writing import folder_for, write_file

    sides = _sides(a, b, settings, bits)
    options["bits"] = bits[0] if len(bits) == 1 else None
    _no_option_without_effect(context, sides)
    if out is not None:
        for side in sides:
            guard.require_utf8(side.title)
    with progress_on_stderr(quiet) as progress:
        (one, other), notes = _results(sides, options, progress)
    comparison = Comparison(name_a=sides[0].title, name_b=sides[1].title, a=one, b=other)
    text = json.dumps({**comparison.as_json(), "notes": notes}, indent=2)
    if out is not None:
        from simulator.report.compare_text import markdown

        folder_for("compare.json", out)
        document = markdown(comparison)
        write_file(out / "compare.md", lambda path: path.write_text(document, encoding="utf-8"))
        write_file(out / "compare.json", lambda path: path.write_text(text + "\n"))
    if as_json:
        click.echo(text)
    elif not quiet:
        from simulator.report.compare_text import print_comparison

        print_comparison(comparison, console())
        print_notes(notes)
        if out is not None:
            print_written(f"{out}/compare.md, compare.json")


def _is_saved(name: str) -> bool:
    return guard.is_folder(name) or name.endswith(".json")


def _sides(
    a: str, b: str | None, settings: tuple[str, ...], bits: tuple[float, ...]
) -> tuple[_Side, _Side]:
    """Return the two sides with the overrides and the bits of each.

    Raises:
        UsageError: a missing side, or a value without a side or with too many values.

    """
    _refuse_old_form(a, b)
    pairs = [_values(setting) for setting in settings]
    if b is None:
        if _is_saved(a):
            raise click.UsageError(f"{a} is a saved result: give B, the result to compare it with")
        if len(set(bits)) < 2 and not any(len(pair) > 1 for pair in pairs):
            raise click.UsageError(
                "A and B would be equal: give B, or two values, such as --set array.pes=64,128 or "
                "--bits 1,0.56"
            )
    sides = []
    for place, name in enumerate((a, b or a)):
        own = tuple(pair[place] for pair in pairs if len(pair) > 1)
        values = tuple(pair[min(place, len(pair) - 1)] for pair in pairs)
        sides.append(_Side(name, values, own, bits[place : place + 1] if bits[1:] else ()))
    for side in sides:
        if side.is_saved and side.own:
            raise click.UsageError(
                f"--set {side.own[0]} would have no effect on {side.name}, a saved result: "
                "give one value, for the other side"
            )
        if side.is_saved and side.bits:
            raise click.UsageError(
                f"--bits {side.bits[0]:g} would have no effect on {side.name}, a saved result: "
                "give one number, for the other side"
            )
    return sides[0], sides[1]


def _values(setting: str) -> list[str]:
    """Split `KEY=V` into one override, and `KEY=V,W` into two: one for A and one for B."""
    from simulator.studies.axes import parts_of

    key, equals, text = setting.partition("=")
    parts = parts_of(text)
    if len(parts) > 2 or (":" in text and is_several(setting)):
        raise click.UsageError(
            f"--set {setting}: expected one value, or two, for A and B; more values, and ranges, "
            "belong to `simulate sweep`"
        )
    if len(parts) == 2 and not all(part.strip() for part in parts):
        raise click.UsageError(f"--set {setting}: expected a value on either side of the comma")
    return [f"{key}{equals}{part.strip()}" for part in parts]


def _refuse_old_form(a: str, b: str | None) -> None:
    """Reject `cofluent64,array.pes=128` and suggest the current command."""
    sides = [_old_form(name) for name in (a, b or a)]
    if not any(settings for _, settings in sides):
        return
    from simulator.machines import load_hardware, value_of

    words = ["simulate", "compare", *dict.fromkeys(file for file, _ in sides)]
    machines = [
        load_hardware(file, [f"{key}={value}" for key, value in settings.items()])
        for file, settings in sides
        if not _is_saved(file)
    ]
    for key in dict.fromkeys(key for _, settings in sides for key in settings):
        values = dict.fromkeys(str(value_of(machine, key)) for machine in machines)
        words += ["--set", f"{key}={','.join(values)}"]
    raise click.UsageError(
        f"{a if sides[0][1] else b}: use --set for overrides, one value for both sides or one for "
        f"each: {shlex.join(words)} ..."
    )


def _old_form(name: str) -> tuple[str, dict[str, str]]:
    """File and overrides of `FILE,KEY=VALUE,...`; a name without overrides has none."""
    file, _, rest = name.partition(",")
    if "=" not in rest or guard.is_file(name):
        return name, {}
    pairs = (setting.partition("=") for setting in rest.split(","))
    return file, {key: value for key, _, value in pairs}


def _no_option_without_effect(context: click.Context, sides: Sequence[_Side]) -> None:
    if not all(side.is_saved for side in sides):
        return
    own = {"a", "b", "out", "as_json", "quiet"}
    for one in given(context):
        if one.name not in own:
            raise click.UsageError(f"{one.opts[0]} has no effect on saved results")


def _results(
    sides: tuple[_Side, _Side], options: dict[str, Any], progress: "Progress | None"
) -> "tuple[list[Saved], list[str]]":
    """Return the result of each side, and the notes on the network.

    A saved side is loaded; all other sides run with one network, loaded once per number of
    bits.
    """
    from simulator.analysis.notes import ignored_in
    from simulator.analysis.saved import as_saved, read_saved
    from simulator.api.simulate import simulate
    from simulator.machines import load_energy, load_hardware
    from simulator.machines.families import scopes_of
    from simulator.workload.scope import SCOPES, scope_from

    machines = {
        side: load_hardware(side.name, side.settings) for side in sides if not side.is_saved
    }
    saved = {side: read_saved(Path(side.name)) for side in sides if side.is_saved}
    model, energy = options.pop("model"), options.pop("energy")
    notes: list[str] = []
    if machines:
        if model is None:
            name = next(iter(machines)).name
            raise click.UsageError(
                f"missing option --model for {name} (see simulate compare --help)"
            )
        families = [hardware.machine for hardware in machines.values()]
        table = None if energy is None else load_energy(energy)
        workloads: dict[float | None, Workload] = {}
        reading = {name: options.pop(name) for name in (*_READING, *SUBSETS, "input_size")}
        for side, hardware in machines.items():
            own = {**options, "bits": side.bits[0] if side.bits else options["bits"]}
            if own["bits"] not in workloads:
                read = {**own, **reading}
                workload = workload_from(model, read, "simulate compare", progress, families)
                workloads[own["bits"]] = workload
            if (common := scopes_of(families)) != SCOPES:
                own["scope"] = scope_from(own["scope"], [own["bits"]], common)
            workload = workloads[own["bits"]]
            result = simulate(workload, hardware, progress=progress, **own)
            found = [*workload.notes, *ignored_in(result.run.workload)]
            notes += [x for x in found if x not in notes]
            result = result if table is None else result.with_energy(table)
            saved[side] = as_saved(result.saved(), side.title)
    return [saved[side] for side in sides], notes
