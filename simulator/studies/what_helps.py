"""Sensitivity analysis: rerun with the numeric hardware keys halved, and doubled."""

from collections.abc import Iterator
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
from simulator.engine import EngineName
from simulator.machines.families import family_of
from simulator.machines.hardware import with_numbers
from simulator.machines.loading import hardware_from, with_expressions

OutcomeT = TypeVar("OutcomeT", bound=Outcome)

_SOURCE = "hardware"
"""How an error names the changed hardware, before it says key and value."""
MOST_EVENTS = 1_000_000
"""Most commands for which a run of the fast engine is repeated by the event engine: about half a
minute and half a gigabyte."""


def with_what_helps(result: OutcomeT, progress: Progress | None = None) -> OutcomeT:
    """Add to a result the time at half and at double each numeric key, measured by running it.

    Keys that are no design choice or have no effect are left out. Of a long run by the fast engine,
    hardware that only the event engine runs is not measured. The rates of units that limit
    layers are also doubled in pairs, and all together.

    Args:
        result: from `simulate`; its run is measured, not its baseline.
        progress: called while runs go on.

    """
    numbers = dict(numeric_keys(with_numbers(result.hardware)))
    keys = [key for key in numbers if key not in result.run.family.not_chosen]
    groups = _groups(result.run)
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


def _groups(run: Run) -> list[tuple[str, ...]]:
    """Pairs of the rates of all units that limit a layer, and all of these rates."""
    limits = dict.fromkeys(unit for layer in run.layers for unit in layer.limits)
    keys = list(dict.fromkeys(run.family.rate_keys[unit.name] for unit in limits))
    return [*combinations(keys, 2), *([tuple(keys)] if len(keys) > 2 else [])]


def _joint(values: dict[str, int | float], effect: Effect) -> JointEffect | None:
    """The effect of several keys; None if their values are not possible."""
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
    """Every dotted key with a number, in the order of the schema."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from numeric_keys(value, f"{under}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{under}{name}", value


def _half(value: int | float) -> int | float:
    """Half of it; of an odd count the next lower one."""
    return value // 2 if isinstance(value, int) else value / 2


def _effect(result: Outcome, values: dict[str, int | float]) -> Effect:
    """The run with some keys replaced."""
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
    """No effect, because the event engine would have to run too many commands."""
    return Effect(
        value=value,
        cycles=None,
        time_ms=None,
        change=None,
        reason=f"only the event engine can run it, and the run has {commands:,} commands, more "
        f"than {MOST_EVENTS:,}; use --engine event to measure it",
        measured=False,
    )
