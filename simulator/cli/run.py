"""The main job: one network on one machine, beside its baseline."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from simulator.cli.options import workload_from
from simulator.cli.output import console, progress_on_stderr


def run(
    *,
    hw: str | None,
    model: str | None,
    settings: tuple[str, ...],
    energy: str | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    check: bool,
    check_seed: int | None,
    check_input: Path | None,
    **run_options: Any,
) -> None:
    """The main job."""
    from simulator.hardware import load_energy, load_hardware
    from simulator.run import simulate, with_settings

    if hw is None or model is None:
        missing = "--hw" if hw is None else "--model"
        raise click.UsageError(f"missing option {missing} (see simulate --help)")
    if not check and (check_seed is not None or check_input is not None):
        option = "--check-seed" if check_seed is not None else "--check-input"
        raise click.UsageError(f"{option} has no effect without --check")
    hardware = load_hardware(hw, settings)
    with progress_on_stderr(quiet) as progress:
        workload = workload_from(model, run_options, "simulate", progress)
    table = None if energy is None else load_energy(energy)
    if out is not None:
        from simulator.report.files import writable_folder

        writable_folder(out)
    with progress_on_stderr(quiet) as progress:
        result = simulate(workload, hardware, progress=progress, **run_options)
        if settings:
            result = with_settings(result, hw, settings, progress)
        if check:
            from simulator.functional import check_workload

            checked = check_workload(
                result.run.workload,
                hardware,
                seed=check_seed or 0,
                inputs=check_input,
                progress=progress,
            )
            result = replace(result, check=checked)
    if table is not None:
        result = result.with_energy(table)
    if out is not None:
        result.save(out)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    elif not quiet:
        from simulator.report.terminal import print_result

        print_result(result, console())
        if out is not None:
            click.echo(
                f"written: {out}/summary.json, layers.csv, trace.parquet, timeline.png, .svg"
            )
    if result.check is not None and result.check.first_difference is not None:
        click.echo(f"simulate: check failed at {result.check.first_difference}", err=True)
        sys.exit(1)
