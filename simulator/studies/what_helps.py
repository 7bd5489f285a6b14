"""Sensitivity analysis: rerun with each numeric hardware key halved and doubled."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeVar

from simulator.analysis.changes import change_of_path
from simulator.analysis.outcome import Outcome
from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.analysis.sensitivity import Effect, JointEffect, KeyEffects, adding, ranked
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.dram.section import IN_TIME
from simulator.engine import EngineName
from simulator.machines.families import family_of
from simulator.machines.hardware import with_numbers
from simulator.machines.loading import hardware_from, with_expressions

OutcomeT = TypeVar("OutcomeT", bound=Outcome)

_SOURCE = "hardware"
"""The name of the changed hardware in an error, before the key and the value."""
MOST_EVENTS = 1_000_000
"""The maximum commands of a fast-engine run that the event engine repeats: about half a minute and
half a gigabyte.
"""


def with_what_helps(result: OutcomeT, progress: Progress | None = None) -> OutcomeT:
    """Add to a result the time at half and at double each numeric key, measured by runs.

    Omit keys that are not design choices or have no effect. For a long run of the fast engine, skip
    hardware that only the event engine can run. Also double the rates of units that limit layers,
    in pairs and all together.

    Args:
        result: from `simulate`; the analysis reruns its run, not its baseline.
        progress: called during the runs.

    """
    numbers = dict(numeric_keys(with_numbers(result.hardware)))
    runs_vector_unit = result.run.workload.scope == "network"
    keys = [
        key
        for key in numbers
        if key not in result.run.family.not_chosen
        and (runs_vector_unit or not key.startswith("vector."))
    ]
    groups = _groups(result.run, numbers)
    effects, together = [], []
    for done, key in enumerate(keys):
        if progress is not None:
            progress("halving and doubling hardware keys", done, len(keys) + len(groups))
        value = numbers[key]
        halved, doubled = (_effect(result, {key: x}) for x in (_half(value), 2 * value))
        effects.append(KeyEffects(key=key, value=value, halved=halved, doubled=doubled))
    for done, group in enumerate(groups):
        if progress is not None:
            progress("doubling keys together", len(keys) + done, len(keys) + len(groups))
        values = {key: 2 * numbers[key] for key in group}
        if joint := _joint(values, _effect(result, values)):
            together.append(joint)
    return replace(result, effects=ranked(effects), together=adding(together, effects))


def _groups(run: Run, numbers: Mapping[str, int | float]) -> list[tuple[str, ...]]:
    """Pairs of the rates of all units that limit a layer, and all of these rates.

    Args:
        run: the run.
        numbers: the hardware's numbers by key; a DRAM's rate has the key of its unit.

    """
    limits = dict.fromkeys(unit for layer in run.layers for unit in layer.limits)
    rates = filter(None, map(run.family.rate_key, limits))
    keys = list(dict.fromkeys(key if key in numbers else IN_TIME[key] for key in rates))
    return [*combinations(keys, 2), *([tuple(keys)] if len(keys) > 2 else [])]


def _joint(values: dict[str, int | float], effect: Effect) -> JointEffect | None:
    """The effect of several keys; None if their values are impossible."""
    if effect.cycles is None or effect.time_ms is None or effect.change is None:
        return None
    return JointEffect(
        keys=tuple(values),
        values=tuple(values.values()),
        cycles=effect.cycles,
        time_ms=effect.time_ms,
        change=effect.change,
        reason=effect.reason,
    )


def numeric_keys(data: dict[str, Any], under: str = "") -> Iterator[tuple[str, int | float]]:
    """Yield every dotted key with a numeric value, in the order of the schema."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from numeric_keys(value, f"{under}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{under}{name}", value


def _half(value: int | float) -> int | float:
    """Half of a value; for an odd count, rounded down."""
    return value // 2 if isinstance(value, int) else value / 2


def _effect(result: Outcome, values: dict[str, int | float]) -> Effect:
    """Measure the effect of some replaced keys by a run."""
    (value, *_) = values.values()
    try:
        hardware = hardware_from(with_expressions(result.hardware), values, _SOURCE)
        slow = family_of(hardware).why_not_fast(hardware)
        engine: EngineName = "event" if slow else result.engine
        commands = result.run.mapping.commands
        if engine != result.engine and commands > MOST_EVENTS:
            return _not_measured(value, commands)
        run = run_one(result.run.workload, hardware, engine)
    except InputError as error:
        reason = str(error).removeprefix(f"{_SOURCE}: ")
        return Effect(value=value, cycles=None, time_ms=None, change=None, reason=reason)
    moved = run.cycles != result.run.cycles
    return Effect(
        value=value,
        cycles=run.cycles,
        time_ms=run.cycles / hardware.clock_ghz / 1e6,
        change=run.cycles / result.run.cycles - 1,
        reason="; ".join(change_of_path(result.run, run)) if moved else "no cycle changes",
    )


def _not_measured(value: float, commands: int) -> Effect:
    """An effect without values, because the event engine would have to run too many commands."""
    return Effect(
        value=value,
        cycles=None,
        time_ms=None,
        change=None,
        reason=f"only the event engine can run it, and the run has {commands:,} commands, more "
        f"than {MOST_EVENTS:,}; use --engine event to measure it",
        measured=False,
    )
