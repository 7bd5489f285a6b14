"""Map workloads onto machines and run them, one by one or together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from simulator.analysis.images import ends_in_trace, image_ends
from simulator.analysis.run import Run
from simulator.base.errors import InputError
from simulator.base.progress import Progress, reported
from simulator.base.wording import listed
from simulator.engine import ENGINES, EngineName
from simulator.engine.summary import Summary
from simulator.engine.trace import Trace
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.machines.family import Mapping
from simulator.program import Shape
from simulator.workload import Workload


def run_one(
    workload: Workload, hardware: Hardware, engine: str = "auto", progress: Progress | None = None
) -> Run:
    """Run one configured workload, without a baseline.

    Raises:
        InputError: an unknown engine, or a buffer too small for a layer.

    """
    name = engine_for(engine, hardware)
    title = f"{workload.name} at {workload.bits:.2f} bit"
    mapping = family_of(hardware).map(workload, hardware, progress)
    if name == "fast":
        from simulator.engine.fast import totals

        report = reported(progress, f"running {title}", len(mapping.layers))
        if mapping.program.at_once:
            return _pipeline_run(workload, mapping, report)
        return _fast_run(workload, mapping, totals(mapping.program, report))
    from simulator.engine.event import run
    from simulator.engine.summary import summarize

    trace = run(mapping.program, reported(progress, f"running {title}", mapping.commands))
    return Run(
        workload=workload,
        mapping=mapping,
        engine=name,
        summary=summarize(trace),
        make_trace=lambda: trace,
        image_ends=ends_in_trace(trace, workload.batch) if mapping.program.at_once else None,
    )


def _pipeline_run(
    workload: Workload, mapping: Mapping[Any], report: Callable[[int], None] | None = None
) -> Run:
    """Return a run of the fast engine with the ends of the images."""
    from simulator.engine.fast import totals_and_ends

    writers = [unit for unit in mapping.program.units if unit.dram == "write"]
    summary, ends = totals_and_ends(mapping.program, writers, report)
    run = _fast_run(workload, mapping, summary)
    return replace(run, image_ends=image_ends(ends, workload.batch))


def _fast_run(workload: Workload, mapping: Mapping[Any], summary: Summary) -> Run:
    """Return a run of the fast engine, which makes its trace at the first access."""

    def trace() -> Trace:
        from simulator.engine.fast import run

        return run(mapping.program)

    return Run(workload=workload, mapping=mapping, engine="fast", summary=summary, make_trace=trace)


def run_together(jobs: Sequence[tuple[Workload, Hardware]]) -> list[Run | InputError]:
    """Run configured workloads on machines; run jobs that differ only in rates together.

    Args:
        jobs: the workload and the machine of each job; the fast engine covers the machine.

    Returns:
        For every job, its run or the error that prevents it.

    """
    from simulator.engine.fast import totals_together

    mappings: dict[int, Mapping[Any]] = {}
    outcomes: dict[int, Run | InputError] = {}
    alike: dict[Shape, list[int]] = {}
    for number, (workload, hardware) in enumerate(jobs):
        try:
            mapping = mappings[number] = family_of(hardware).map(workload, hardware)
        except InputError as error:
            outcomes[number] = error
            continue
        if mapping.program.at_once:
            outcomes[number] = _pipeline_run(workload, mapping)
        else:
            alike.setdefault(mapping.program.shape, []).append(number)
    for numbers in alike.values():
        summaries = totals_together([mappings[number].program for number in numbers])
        for number, summary in zip(numbers, summaries, strict=True):
            outcomes[number] = _fast_run(jobs[number][0], mappings[number], summary)
    return [outcomes[number] for number in range(len(jobs))]


def engine_for(name: str, hardware: Hardware | None = None) -> EngineName:
    """Return the engine of a name; `auto` is the fast engine if it covers the hardware.

    Raises:
        InputError: an unknown engine, or an engine that does not cover the hardware.

    """
    lacking = family_of(hardware).why_not_fast(hardware) if hardware else None
    if name == "auto":
        return "event" if lacking else "fast"
    if name == "fast" and lacking:
        raise InputError(f"engine fast: not available because {lacking}; use auto or event")
    for known in ENGINES:
        if name == known:
            return known
    raise InputError(f"engine {name!r}: unknown; use {listed(['auto', *ENGINES], 'or')}")
