"""The main job: one network on one machine, and its baseline if it has one."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simulator.cli.options import hardware_from_options, workload_from
from simulator.cli.output import console, print_written, progress_on_stderr

if TYPE_CHECKING:
    from simulator.api.result import Result
    from simulator.base.progress import Progress
    from simulator.machines import Hardware
    from simulator.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Destinations of the result other than the terminal."""

    out: Path | None
    style: str | None
    """Style of the figures in `out`; None is the style for a screen."""
    report: Path | None
    perfetto: Path | None

    def check(self) -> None:
        """Raise InputError if an output cannot be written; this check comes before the run."""
        from simulator.base.writing import folder_for, writable_file

        if self.style is not None and self.out is None:
            raise click.UsageError("--style has no effect without --out")
        if self.out is not None:
            folder_for("summary.json", self.out)
        for path in (self.report, self.perfetto):
            if path is not None:
                writable_file(path)

    def announce_sizes(self, result: "Result") -> None:
        """Print on stderr the estimated sizes of large trace files, and any omitted timeline."""
        from simulator.base.tabular import table_name
        from simulator.report.sizes import size_lines, timeline_left_out

        files = [] if self.out is None else [self.out / table_name("trace")]
        for line in size_lines(result, files + ([self.perfetto] if self.perfetto else [])):
            click.echo(line, err=True)
        if self.report is not None and (left_out := timeline_left_out(result)):
            click.echo(f"{self.report}: {left_out}", err=True)

    def write(
        self, result: "Result", hw: str, energy: str | None, progress: "Progress | None"
    ) -> list[str]:
        """Write all outputs; return the descriptions to print."""
        written = []
        if self.out is not None:
            from simulator.base.tabular import csv_note, table_name

            names = ", ".join(
                path.name for path in result.save(self.out, progress, self.style or "screen")
            )
            written.append(f"{self.out}: {names}{csv_note(self.out / table_name('trace'))}")
        if self.report is not None:
            from simulator.machines.assumptions import assumptions
            from simulator.report.html import write_page

            dram = result.hardware.dram.timing
            assumed = assumptions(hw, dram=dram, energy=energy)
            written.append(str(write_page(result, self.report, assumed, progress)))
        if self.perfetto is not None:
            from simulator.report.perfetto import write_perfetto

            written.append(str(write_perfetto(result, self.perfetto, progress)))
        return written


def run(
    *,
    hw: str | None,
    model: str | None,
    settings: tuple[str, ...],
    energy: str | None,
    out: Path | None,
    style: str | None,
    report: Path | None,
    perfetto: Path | None,
    why: bool,
    what_helps: bool,
    as_json: bool,
    quiet: bool,
    check: bool,
    check_seed: int | None,
    check_input: Path | None,
    **run_options: Any,
) -> None:
    """Run the network and its baseline, write the outputs, and print the result."""
    from simulator.api.simulate import simulate, with_settings
    from simulator.base.shipped import images_file
    from simulator.machines import load_energy

    if hw is None or model is None:
        missing = "--hw" if hw is None else "--model"
        raise click.UsageError(f"missing option {missing} (see simulate --help)")
    if not check and (check_seed is not None or check_input is not None):
        option = "--check-seed" if check_seed is not None else "--check-input"
        raise click.UsageError(f"{option} has no effect without --check")
    hardware = hardware_from_options(hw, settings)
    outputs = Outputs(out=out, style=style, report=report, perfetto=perfetto)
    with progress_on_stderr(quiet) as progress:
        workload = workload_from(model, run_options, "simulate", progress, [hardware.machine])
        table = None if energy is None else load_energy(energy)
        if check_input is not None:
            check_input = images_file(check_input)
            _require_input(check_input, workload, hardware, run_options)
        outputs.check()
        result = simulate(workload, hardware, progress=progress, **run_options)
        if settings:
            result = with_settings(result, hw, settings, progress)
        if check:
            from simulator.check import check_workload

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
        if what_helps:
            from simulator.studies.what_helps import with_what_helps

            result = with_what_helps(result, progress)
        if not quiet:
            outputs.announce_sizes(result)
        written = outputs.write(result, hw, energy, progress)
        full = out is not None or report is not None
        wider = result.wider if full else None
    if as_json:
        click.echo(json.dumps(result.summary(why=why), indent=2))
    elif not quiet:
        said = None if wider is None else wider.sentence
        _print(result, said, written, why=why, operations=full)
    if result.check is not None and result.check.failure is not None:
        click.echo(f"simulate: check failed {result.check.failure}", err=True)
        sys.exit(1)


def _require_input(
    path: Path, workload: "Workload", hardware: "Hardware", run_options: dict[str, Any]
) -> None:
    """Raise InputError if a file lacks the check's input; this check comes before the run."""
    from simulator.check import read_input
    from simulator.machines.families import scopes_of
    from simulator.workload import configure
    from simulator.workload.scope import scope_from

    shape = {name: run_options[name] for name in ("batch", "activation_bits")}
    scope = scope_from(run_options["scope"], scopes=scopes_of([hardware.machine]))
    read_input(path, configure(workload, **shape, scope=scope))


def _print(
    result: "Result", wider: str | None, written: list[str], *, why: bool, operations: bool
) -> None:
    from simulator.base.lines import print_line
    from simulator.report.terminal import print_result

    print_result(result, console(), operations=operations)
    if wider is not None:
        print_line(console(), wider)
    if why:
        from simulator.report.why import print_attribution, print_waits

        print_attribution(result, console())
        if result.run.images is None:
            print_waits(result, console())
        else:
            from simulator.report.pipeline import print_stages

            print_stages(result, console())
            _print_limits(result)
    if result.effects:
        from simulator.report.why import print_effects

        print_effects(result, console())
    for what in written:
        print_written(what)


def _print_limits(result: "Result") -> None:
    """Print the FIFOs that lengthen the interval of a pipeline, after a search for them."""
    from simulator.base.lines import print_line
    from simulator.studies.interval import searched_limit

    for run in result.runs:
        limit = searched_limit(run)
        if limit.deepened is not None:
            print_line(console(), f"{run.title}: {limit.sentence}")
