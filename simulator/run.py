"""The API's verb: map a workload and its baseline onto a machine, run both, report."""

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.lines import listed
from simulator.base.progress import Progress, reported
from simulator.coverage import why_not_fast
from simulator.engine import ENGINES, EngineName
from simulator.engine.summary import Summary
from simulator.engine.trace import Trace
from simulator.hardware import Hardware, load_hardware, value_of
from simulator.hardware.config import hardware_from, read_hardware, with_expressions
from simulator.machines import lut_array
from simulator.machines.lut_array import Mapping
from simulator.program import Shape
from simulator.report.causes import why_moved
from simulator.report.result import Result, Run
from simulator.report.room import CAPACITIES, next_sizes, with_value
from simulator.report.settings import SettingEffect, expression_of, moved_links
from simulator.report.unmoved import too_small_still, why_unmoved
from simulator.workload import Workload, configure


def simulate(
    workload: Workload | str | Path,
    hardware: Hardware | str | Path,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Items[str, int] | None = None,
    set: Items[str, object] | None = None,
    activation_bits: int = 1,
    baseline_bits: float = 1,
    batch: int = 1,
    input_size: int | tuple[int, int] | None = None,
    network: str | Path | None = None,
    include_full_precision: bool = False,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Simulate a network at some bits per weight and its baseline on the same hardware.

    Args:
        workload: a shipped name such as `"r18"`, the path of a network, a workload file or a
            trained network, or a `Workload` from `load_workload`.
        hardware: a shipped name such as `"cofluent64"`, a path, or a `Hardware` from
            `load_hardware`.
        bits: bits per weight, such as 0.56; 1 is a BNN. Without `bits` and `tau`, a trained
            network keeps its own and any other network runs at 1 bit.
        tau: index width of a 3x3 kernel in bits, 1 to 9, instead of `bits`.
        tau_1x1: index width of a 1x1 vector in bits, 1 to 8; min(tau, 8) if not given.
        taus: tau of single layers by name; overrides `bits` and `tau`.
        set: hardware keys to override, such as `{"array.pes": 128}`. `result.settings` has the
            effect of each, measured by runs without it when it is first read.
        activation_bits: bits of every activation, 1 to 32.
        baseline_bits: bits per weight of the baseline.
        batch: images per run.
        input_size: height and width in pixels, or one number for both; the file's if not given.
        network: the network file, by name or path, for a state dict such as a `.pth` file.
        include_full_precision: add the full-precision first, last and downsample layers.
        engine: `"auto"`, `"fast"` or `"event"`; both engines give the same cycles.
        progress: called with a title, the commands finished and all commands.

    Returns:
        A `Result`: `speedup`, `cycles`, `time_ms`, `layers` (pandas), `trace` (pandas), `notes()`,
        `energy`, `save(folder)`; `print(result)` prints a summary.

    Raises:
        InputError: a wrong type, an unknown name or key, a value out of range, bits that no tau
            gives, a buffer too small for a layer. The message is one line.

    Example:
        >>> from simulator import simulate
        >>> result = simulate("r20", "cofluent64", bits=0.56, set={"array.pes": 32})
        >>> result.cycles < result.baseline.cycles
        True

    """
    precision = {
        "bits": None if bits is None else arguments.number("bits", bits, "0.56"),
        "tau": None if tau is None else arguments.whole("tau", tau, "5"),
        "tau_1x1": None if tau_1x1 is None else arguments.whole("tau_1x1", tau_1x1, "5"),
        "taus": arguments.taus_by_layer(taus),
    }
    baseline = {"bits": arguments.number("baseline_bits", baseline_bits, "1")}
    options: dict[str, Any] = {
        "activation_bits": arguments.whole("activation_bits", activation_bits, "1"),
        "batch": arguments.whole("batch", batch, "1"),
        "include_full_precision": arguments.flag("include_full_precision", include_full_precision),
    }
    arguments.text("engine", engine, "auto")
    machine, without = machine_of(hardware, arguments.overrides(set))
    engine_for(engine, machine)
    loaded = workload_of(workload, precision, input_size, network)

    def one(precision: dict[str, Any]) -> Run:
        return run_one(configure(loaded, **options, **precision), machine, engine, progress)

    result = Result(
        hardware=machine,
        run=one(precision),
        baseline=one(baseline),
        hardware_file=None if isinstance(hardware, Hardware) else str(hardware),
    )
    if not without:
        return result
    return replace(result, measure_settings=SettingRuns(result, without, progress))


def workload_of(
    workload: Workload | str | Path,
    precision: Items[str, Any] | None = None,
    size: int | tuple[int, int] | None = None,
    network: str | Path | None = None,
) -> Workload:
    """Return the workload itself, or load it by name or path.

    Args:
        workload: a workload, a shipped name or a path.
        precision: `bits`, `tau`, `tau_1x1` and `taus`, by which a trained network's subsets are
            chosen.
        size: input size in pixels instead of the file's.
        network: the network file of a state dict.

    Raises:
        InputError: a wrong type or file, or an argument that has no effect on a loaded workload.

    """
    if isinstance(workload, Workload):
        for name, value in (("input_size", size), ("network", network)):
            if value is not None:
                raise InputError(
                    f"{name} has no effect on a loaded workload: give the workload by name or path"
                )
        return workload
    path = arguments.name_or_path("workload", workload, "r18", "a Workload from load_workload")
    if network is not None:
        arguments.name_or_path("network", network, "r18-snn")
    from simulator.workload.model import Choice, load_model

    given = {name: value for name, value in (precision or {}).items() if value is not None}
    return load_model(
        path,
        network=network,
        input_size=None if size is None else arguments.input_size(size),
        choice=Choice(**given),
    )


def machine_of(
    hardware: Hardware | str | Path, values: Items[str, object]
) -> tuple[Hardware, list[tuple[str, Hardware]]]:
    """Return hardware with some keys overridden, and for every key the hardware without it.

    Args:
        hardware: hardware, a shipped name or a path.
        values: by dotted key.

    Raises:
        InputError: a wrong type or file, an unknown key, a value that is not allowed.

    """
    if isinstance(hardware, Hardware) and not values:
        return hardware, []
    data, name = hardware_data(hardware)
    machine = hardware_from(data, values, "set" if values else name)
    return machine, [
        (key, hardware_from(data, {k: v for k, v in values.items() if k != key}, name))
        for key in values
    ]


def hardware_data(hardware: Hardware | str | Path) -> tuple[dict[str, Any], str]:
    """Return the plain data of hardware, and the name that errors give it.

    Raises:
        InputError: a wrong type or file.

    """
    if isinstance(hardware, Hardware):
        return with_expressions(hardware), hardware.name
    path = arguments.name_or_path(
        "hardware", hardware, "cofluent64", "a Hardware from load_hardware"
    )
    return read_hardware(path), str(path)


def run_one(
    workload: Workload, hardware: Hardware, engine: str = "auto", progress: Progress | None = None
) -> Run:
    """Run one configured workload, without a baseline.

    Raises:
        InputError: an unknown engine, or a buffer too small for a layer.

    """
    name = engine_for(engine, hardware)
    title = f"{workload.name} at {workload.bits:.2f} bit"
    mapping = lut_array.map_workload(workload, hardware, progress)
    if name == "fast":
        from simulator.engine.fast import totals

        report = reported(progress, f"running {title}", len(mapping.layers))
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
    )


def _fast_run(workload: Workload, mapping: Mapping, summary: Summary) -> Run:
    """A run of the fast engine, whose trace is made when it is asked for."""

    def trace() -> Trace:
        from simulator.engine.fast import run

        return run(mapping.program)

    return Run(workload=workload, mapping=mapping, engine="fast", summary=summary, make_trace=trace)


def run_together(jobs: Sequence[tuple[Workload, Hardware]]) -> list[Run | InputError]:
    """Run configured workloads on machines, those that differ only in rates at once.

    Args:
        jobs: workload and machine of each; the fast engine covers the machine.

    Returns for every job its run, or why there is none.

    """
    from simulator.engine.fast import totals_together

    mappings: dict[int, Mapping] = {}
    outcomes: dict[int, Run | InputError] = {}
    alike: dict[Shape, list[int]] = {}
    for number, (workload, hardware) in enumerate(jobs):
        try:
            mapping = mappings[number] = lut_array.map_workload(workload, hardware)
        except InputError as error:
            outcomes[number] = error
        else:
            alike.setdefault(mapping.program.shape, []).append(number)
    for numbers in alike.values():
        summaries = totals_together([mappings[number].program for number in numbers])
        for number, summary in zip(numbers, summaries, strict=True):
            outcomes[number] = _fast_run(jobs[number][0], mappings[number], summary)
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
    """Add to a result the effect of each of its `KEY=VALUE` settings, by running without it.

    Args:
        result: made with `load_hardware(hardware_file, settings)`.
        hardware_file: path or shipped name.
        settings: the settings, in the order in which they were applied.
        progress: called while a run goes on.

    """
    given = list(settings)
    without = [
        (setting.partition("=")[0], load_hardware(hardware_file, given[:n] + given[n + 1 :]))
        for n, setting in enumerate(given)
    ]
    runs = SettingRuns(result, without, progress)
    runs()
    return replace(result, measure_settings=runs)


@dataclass(frozen=True)
class SettingRuns:
    """Measures the effects of a result's settings when it is first called."""

    result: Result
    without: Sequence[tuple[str, Hardware]]
    """Each overridden key, with the hardware that the other settings give."""
    progress: Progress | None = None

    def __call__(self) -> tuple[SettingEffect, ...]:
        """The effect of each key, in order."""
        return self._effects

    @cached_property
    def _effects(self) -> tuple[SettingEffect, ...]:
        return tuple(
            setting_effect(self.result, key, machine, self.progress)
            for key, machine in self.without
        )


def setting_effect(
    result: Result, key: str, without: Hardware, progress: Progress | None = None
) -> SettingEffect:
    """The effect of one overridden key, by running both workloads on the hardware without it.

    Without it the run may be impossible: settings are judged together.
    """
    values: dict[str, Any] = {
        "key": key,
        "before": value_of(without, key),
        "after": value_of(result.hardware, key),
        "expression": expression_of(result.hardware, key),
        "linked": moved_links(key, without, result.hardware),
        "time_ms_after": result.time_ms,
        "speedup_after": result.speedup,
    }
    try:
        before = _on(without, result, progress)
    except InputError as error:
        reason = f"without it, {error}"
        return SettingEffect(**values, time_ms_before=None, speedup_before=None, reason=reason)
    moved = (before.time_ms, before.speedup) != (result.time_ms, result.speedup)
    return SettingEffect(
        **values,
        time_ms_before=before.time_ms,
        speedup_before=before.speedup,
        reason=None if moved else _why_unmoved(key, result, before, progress),
        causes=tuple(why_moved(key, result, before)) if moved else (),
    )


def _on(hardware: Hardware, result: Result, progress: Progress | None) -> Result:
    """Both workloads of a result on other hardware."""
    engine = "event" if why_not_fast(hardware) else result.engine
    run, baseline = (
        run_one(one.workload, hardware, engine, progress) for one in (result.run, result.baseline)
    )
    return Result(hardware=hardware, run=run, baseline=baseline)


def _why_unmoved(key: str, result: Result, before: Result, progress: Progress | None) -> str:
    """Why a setting changed nothing; of a buffer that is too small still, by running with more."""
    if key in CAPACITIES and value_of(before.hardware, key) != value_of(result.hardware, key):
        for run in (result.run, result.baseline):
            for size, layers in next_sizes(key, run.mapping.layers):
                larger = _on(with_value(result.hardware, key, size), result, progress)
                if (larger.run.cycles, larger.baseline.cycles) != (
                    result.run.cycles,
                    result.baseline.cycles,
                ):
                    return too_small_still(key, size, layers, larger, result)
    return why_unmoved(key, result, before)
