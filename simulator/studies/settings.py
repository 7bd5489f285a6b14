"""Effects of overridden hardware keys, measured by runs without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulator.analysis.changes import change_of, why_moved
from simulator.analysis.outcome import Outcome
from simulator.analysis.running import run_one
from simulator.analysis.settings import SettingEffect, expression_of, moved_links
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.wording import layers_phrase, time_pair
from simulator.machines import Hardware, value_of
from simulator.machines.families import family_of
from simulator.machines.hardware import dram_at_clocks
from simulator.machines.links import at
from simulator.machines.loading import hardware_from, with_value
from simulator.machines.vector import no_effect as vector_unit

_SOURCE = "hardware"
"""The name of the hardware in an error; notes omit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """The hardware that results from all overrides but one."""

    key: str
    before: object
    """The value of the key without its override."""
    hardware: Hardware | None
    """None if the other overrides alone are invalid."""
    problem: str = ""
    """The reason why they are invalid, as a clause."""


def without(key: str, data: dict[str, Any], others: Mapping[str, object]) -> Without:
    """Make the hardware without one override.

    Args:
        key: the overridden key.
        data: plain data of the hardware file.
        others: the values of the other overrides by key, and an earlier value of `key` itself.

    """
    try:
        hardware = hardware_from(data, others, _SOURCE)
    except InputError as error:
        before = others.get(key, at(data, key))
        problem = str(error).removeprefix(f"{_SOURCE}: ")
        return Without(key=key, before=before, hardware=None, problem=problem)
    return Without(key=key, before=value_of(hardware, key), hardware=hardware)


@dataclass(frozen=True)
class SettingRuns:
    """A callable that measures the effects of a result's overrides on its first call."""

    result: Outcome
    without: Sequence[Without]
    """Each override's hardware without it."""
    progress: Progress | None = None

    def __call__(self) -> tuple[SettingEffect, ...]:
        """The effect of each key, in order."""
        return self._effects

    @cached_property
    def _effects(self) -> tuple[SettingEffect, ...]:
        return tuple(setting_effect(self.result, one, self.progress) for one in self.without)


def setting_effect(
    result: Outcome, without: Without, progress: Progress | None = None
) -> SettingEffect:
    """The effect of one overridden key, by running its workloads on the hardware without it.

    The run may be impossible without the override if it depends on other overrides.
    """
    key, hardware = without.key, without.hardware
    values: dict[str, Any] = {
        "key": key,
        "before": without.before,
        "after": value_of(result.hardware, key),
        "expression": expression_of(result.hardware, key),
        "linked": () if hardware is None else moved_links(key, hardware, result.hardware),
        "dram": None if hardware is None else dram_at_clocks(hardware, result.hardware),
        "time_ms_after": result.time_ms,
        "speedup_after": result.speedup,
    }
    try:
        if hardware is None:
            raise InputError(without.problem)
        before = _on(hardware, result, progress)
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


def _on(hardware: Hardware, result: Outcome, progress: Progress | None) -> Outcome:
    """The workloads of a result on other hardware."""
    engine = "event" if family_of(hardware).why_not_fast(hardware) else result.engine
    run, *others = (run_one(one.workload, hardware, engine, progress) for one in result.runs)
    return Outcome(hardware=hardware, run=run, baseline=others[0] if others else None)


def _why_unmoved(key: str, result: Outcome, before: Outcome, progress: Progress | None) -> str:
    """The reason why an override has no effect.

    For the size of a buffer, runs with larger sizes show if the buffer is still too small.
    """
    if value_of(result.hardware, key) == value_of(before.hardware, key):
        return "the hardware file already has this value"
    family = result.run.family
    for run in result.runs if key in family.capacities else ():
        for size, layers in family.next_sizes(key, run.mapping.weighted):
            larger = _on(with_value(result.hardware, key, size), result, progress)
            if [run.cycles for run in larger.runs] != [run.cycles for run in result.runs]:
                return _too_small_still(key, size, layers, larger, result)
    change = change_of(key, result, before)
    idle = "; ".join(family.idle_pes(change))
    reason = vector_unit.why_no_effect(change) or family.why_no_effect(change)
    return reason or idle or _hidden(result, before)


def _too_small_still(
    key: str, size: float, layers: list[str], larger: Outcome, result: Outcome
) -> str:
    """The reason why a larger buffer has no effect: no more data fit, but a still larger one helps.

    Args:
        key: key of the buffer's size.
        size: a size with an effect, in KiB.
        layers: layers with data in the buffer.
        larger: run with that size.
        result: run with the override.

    """
    pairs = list(zip(("", " in the baseline"), result.runs, larger.runs, strict=False))
    side, now, then = next(pair for pair in pairs if pair[1].cycles != pair[2].cycles)
    held = now.family.capacities[key]
    names = layers_phrase(layers, [layer.name for layer in now.layers]).text
    times = time_pair(result.milliseconds(now.cycles), result.milliseconds(then.cycles))
    return (
        f"the {held} of {names} still do not fit; {size:,.10g} KiB would hold them and change the "
        f"time{side} from {times[0]} to {times[1]}"
    )


def _hidden(result: Outcome, before: Outcome) -> str:
    """The units that work longer or shorter without an effect on the time, and what hides it."""
    changes = []
    places = ("", " in the baseline")
    for run, was, where in zip(result.runs, before.runs, places, strict=False):
        busy, old = (one.summary.busy.sum(axis=0).tolist() for one in (run, was))
        changes += [
            f"{unit.title} {old[number]:,} -> {busy[number]:,} cycles{where}"
            for number, unit in enumerate(run.vocabulary.units)
            if busy[number] != old[number]
        ]
    if not changes:
        return "no unit works longer or shorter, and other units hide the waits that change"
    bound = dict.fromkeys(layer.bound_by for layer in result.run.layers)
    return (
        f"other units hide the change ({', '.join(changes)}). Bottlenecks of the layers: "
        f"{', '.join(bound)}"
    )
