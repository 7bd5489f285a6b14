"""The API's verb: map a workload and its baseline onto a machine, run both, report."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Items
from pathlib import Path
from typing import Any

from simulator.coverage import why_not_fast
from simulator.engine import ENGINES, EngineName
from simulator.errors import InputError
from simulator.hardware import Hardware, load_hardware, value_of
from simulator.mapping import Mapping, map_workload
from simulator.report.lines import listed
from simulator.report.result import Result, Run
from simulator.report.settings import SettingEffect
from simulator.report.unmoved import why_unmoved
from simulator.workload import Workload, configure

Progress = Callable[[str, int, int], None]
"""Called with the run's title, commands finished and commands in all."""


def simulate(
    workload: Workload,
    hardware: Hardware,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Items[str, int] | None = None,
    activation_bits: int = 1,
    baseline_bits: float = 1,
    batch: int = 1,
    include_full_precision: bool = False,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Simulate a network at some bits per weight and its baseline on the same hardware.

    Args:
        workload: from `load_workload`.
        hardware: from `load_hardware`.
        bits: bits per weight, for example 0.56; or give `tau`. Neither means what the workload
            says: 1 bit, or its trained layers' own.
        tau: bits of a 3x3 kernel's index, 1 to 9.
        tau_1x1: bits of a 1x1 vector's index, 1 to 8; min(tau, 8) if not given.
        taus: tau of single layers by name, over what the above say.
        activation_bits: bits of every activation, 1 to 32.
        baseline_bits: bits per weight of the baseline.
        batch: images per run.
        include_full_precision: run first, last and downsample layers too.
        engine: a name in `simulator.engine.ENGINES`, or `auto`.
        progress: called while a run goes on.

    Raises:
        InputError: a value out of range, bits that no tau gives, a buffer too small for a layer.

    """
    engine_for(engine, hardware)

    def one(**precision: Any) -> Run:
        configured = configure(
            workload,
            activation_bits=activation_bits,
            batch=batch,
            include_full_precision=include_full_precision,
            **precision,
        )
        return run_one(configured, hardware, engine, progress)

    return Result(
        hardware=hardware,
        run=one(bits=bits, tau=tau, tau_1x1=tau_1x1, taus=taus),
        baseline=one(bits=baseline_bits),
    )


def run_one(
    workload: Workload, hardware: Hardware, engine: str = "auto", progress: Progress | None = None
) -> Run:
    """Run one configured workload, without a baseline.

    Raises:
        InputError: an unknown engine, or a buffer too small for a layer.

    """
    name = engine_for(engine, hardware)
    mapping = map_workload(workload, hardware)
    if name == "fast":
        from simulator.engine.fast import totals

        return Run(workload=workload, mapping=mapping, engine=name, summary=totals(mapping.loops))
    from simulator.engine.event import run

    total = len(mapping.program)
    title = f"{workload.name} at {workload.bits:.2f} bit"
    report = None if progress is None else (lambda done: progress(title, done, total))
    from simulator.mapping.addresses import with_dram
    from simulator.mapping.port import with_ports

    program = with_ports(with_dram(mapping.program, mapping, hardware), mapping, hardware)
    return Run.traced(workload, mapping, name, run(program, report))


def run_together(jobs: Sequence[tuple[Workload, Hardware]]) -> list[Run | InputError]:
    """Run configured workloads on machines, those that differ only in rates at once.

    Args:
        jobs: workload and machine of each; the fast engine covers the machine.

    Returns for every job its run, or why there is none.

    """
    from simulator.engine.fast import totals_together

    mappings: dict[int, Mapping] = {}
    outcomes: dict[int, Run | InputError] = {}
    alike: dict[int, list[int]] = {}
    for number, (workload, hardware) in enumerate(jobs):
        try:
            mapping = mappings[number] = map_workload(workload, hardware)
        except InputError as error:
            outcomes[number] = error
        else:
            alike.setdefault(id(mapping.loops.body), []).append(number)
    for numbers in alike.values():
        summaries = totals_together([mappings[number].loops for number in numbers])
        for number, summary in zip(numbers, summaries, strict=True):
            outcomes[number] = Run(
                workload=jobs[number][0],
                mapping=mappings[number],
                engine="fast",
                summary=summary,
            )
    return [outcomes[number] for number in range(len(jobs))]


def engine_for(name: str, hardware: Hardware | None = None) -> EngineName:
    """The engine that `name` means; `auto` is the fast one where it covers the hardware.

    Raises:
        InputError: an unknown engine, or one that does not cover the hardware.

    """
    lacking = why_not_fast(hardware) if hardware else None
    if name == "auto":
        return "event" if lacking else "fast"
    if name == "fast" and lacking:
        raise InputError(f"engine fast: not available because {lacking}; use auto or event")
    for known in ENGINES:
        if name == known:
            return known
    raise InputError(f"engine {name!r}: unknown; use {listed(['auto', *ENGINES], 'or')}")


def with_settings(
    result: Result,
    hardware_file: str | Path,
    settings: Iterable[str],
    progress: Progress | None = None,
) -> Result:
    """Add to a result what each of its `KEY=VALUE` settings did, by running without it.

    Args:
        result: made with `load_hardware(hardware_file, settings)`.
        hardware_file: path or shipped name.
        settings: the settings, in the order in which they were applied.
        progress: called while a run goes on.

    """
    given = list(settings)
    effects = []
    for number, setting in enumerate(given):
        others = given[:number] + given[number + 1 :]
        without = load_hardware(hardware_file, others)
        effects.append(_effect(result, setting.partition("=")[0], without, progress))
    return Result(
        hardware=result.hardware,
        run=result.run,
        baseline=result.baseline,
        settings=tuple(effects),
    )


def _effect(
    result: Result, key: str, without: Hardware, progress: Progress | None
) -> SettingEffect:
    engine = "event" if why_not_fast(without) else result.engine
    before = Result(
        hardware=without,
        run=run_one(result.run.workload, without, engine, progress),
        baseline=run_one(result.baseline.workload, without, engine, progress),
    )
    moved = (before.time_ms, before.speedup) != (result.time_ms, result.speedup)
    return SettingEffect(
        key=key,
        before=value_of(without, key),
        after=value_of(result.hardware, key),
        time_ms_before=before.time_ms,
        time_ms_after=result.time_ms,
        speedup_before=before.speedup,
        speedup_after=result.speedup,
        reason=None if moved else why_unmoved(key, result, before),
    )
