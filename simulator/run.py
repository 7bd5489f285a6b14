"""The API's verb: map a workload and its baseline onto a machine, run both, report."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from simulator.coverage import why_not_fast
from simulator.engine import ENGINES
from simulator.errors import InputError
from simulator.hardware import Hardware, load_hardware, value_of
from simulator.mapping import map_workload
from simulator.mapping.addresses import with_dram
from simulator.mapping.port import with_port
from simulator.program import Program
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
    taus: Mapping[str, int] | None = None,
    activation_bits: int = 1,
    baseline_bits: float = 1,
    batch: int = 1,
    include_full_precision: bool = False,
    engine: str = "event",
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
        engine: a name in `simulator.engine.ENGINES`.
        progress: called while a run goes on.

    Raises:
        InputError: a value out of range, bits that no tau gives, a buffer too small for a layer.

    """
    if engine not in ENGINES:
        raise InputError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")

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
        engine=engine,
        run=one(bits=bits, tau=tau, tau_1x1=tau_1x1, taus=taus),
        baseline=one(bits=baseline_bits),
    )


def run_one(
    workload: Workload, hardware: Hardware, engine: str, progress: Progress | None = None
) -> Run:
    """Run one configured workload, without a baseline.

    Raises:
        InputError: a buffer is too small for a layer.

    """
    mapping = map_workload(workload, hardware)
    total = len(mapping.program)
    title = f"{workload.name} at {workload.bits:.2f} bit"
    report = None if progress is None else (lambda done: progress(title, done, total))
    program = with_port(with_dram(mapping.program, mapping, hardware), mapping, hardware)
    return Run(workload=workload, mapping=mapping, trace=ENGINES[engine](program, report))


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
        engine=result.engine,
        run=result.run,
        baseline=result.baseline,
        settings=tuple(effects),
    )


def _effect(
    result: Result, key: str, without: Hardware, progress: Progress | None
) -> SettingEffect:
    before = Result(
        hardware=without,
        engine=result.engine,
        run=_rerun(result.run, without, result.engine, progress),
        baseline=_rerun(result.baseline, without, result.engine, progress),
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


def _rerun(run: Run, hardware: Hardware, engine: str, progress: Progress | None) -> Run:
    """The same workload on other hardware; a program that stays the same is not run again."""
    mapping = map_workload(run.workload, hardware)
    before = run.mapping.layers[0].plan.hardware
    contended = {why_not_fast(hardware), why_not_fast(before)} != {None}
    if not contended and _same(mapping.program, run.mapping.program):
        return run
    return run_one(run.workload, hardware, engine, progress)


def _same(one: Program, other: Program) -> bool:
    columns = ("unit", "cycles", "latency", "wait_offsets", "waits")
    return all(np.array_equal(getattr(one, c), getattr(other, c)) for c in columns)
