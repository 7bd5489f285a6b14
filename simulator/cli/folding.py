"""`simulate search --objective area` or `rate`: the folding of a pipeline."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import given, workload_from
from simulator.cli.output import console, print_notes, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.base.progress import Progress
    from simulator.studies.folding import Folding

LIMITS = {"area": "min_images_per_s", "rate": "max_area"}
"""The limit of each objective of a folding search."""
_BITS = ("bits", "tau", "tau_1x1")
OWN = (*_BITS, *LIMITS.values())
"""Options that only a folding search has."""
_OF_NETWORK = (*_BITS, "taus", "activation_bits", "shortcut_bits", "batch")
_IMAGES = 8
"""Images of the runs that measure an interval, unless --batch gives others."""
_NOT_HERE = (
    "allowed", "baseline_bits", "max_time_ms", "mean_bits", "min_mean_bits", "max_mbit", "engine",
    "energy",
)  # fmt: skip
"""Options that only a search for bits has."""


def require_options(context: click.Context, objective: str) -> None:
    """Raise UsageError if an option has no effect with an objective, or the limit is missing."""
    folds = objective in LIMITS
    needed = LIMITS.get(objective)
    other = {name for name in LIMITS.values() if name != needed}
    idle = other | set(_NOT_HERE if folds else _BITS)
    for option in given(context):
        if option.name in idle:
            raise click.UsageError(f"{option.opts[0]} has no effect with --objective {objective}")
    if needed is not None and context.params[needed] is None:
        raise click.UsageError(f"--objective {objective} needs --{needed.replace('_', '-')}")


def search_folding(
    context: click.Context,
    *,
    hw: str,
    settings: tuple[str, ...],
    model: str,
    objective: Any,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find a folding, print it, and write it."""
    from simulator.base.writing import folder_for
    from simulator.studies.folding.output import FILES, print_folding, save_folding

    if out is not None:
        folder_for("search.json", out)
    if "batch" not in {option.name for option in given(context)}:
        options["batch"] = _IMAGES
    with progress_on_stderr(quiet) as progress:
        result, notes = _found(hw, settings, model, progress, objective=objective, **options)
    if out is not None:
        save_folding(result, out)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        print_folding(result, console())
        print_notes(notes)
        if out is not None:
            print_written(f"{out}/{', '.join(FILES)}")


def _found(
    hw: str,
    settings: tuple[str, ...],
    model: str,
    progress: "Progress | None",
    *,
    objective: Any,
    **options: Any,
) -> "tuple[Folding, list[str]]":
    from simulator.machines import load_hardware
    from simulator.studies.folding import find_folding
    from simulator.workload import configure
    from simulator.workload.scope import scope_from

    hardware = load_hardware(hw, settings)
    workload = workload_from(model, options, "simulate search", progress, [hardware.machine])
    network = configure(
        workload,
        **{name: options[name] for name in _OF_NETWORK},
        scope=scope_from(options["scope"], scopes=("network",)),
    )
    found = find_folding(network, hardware, objective, options[LIMITS[objective]], progress)
    return found, [*workload.notes]
