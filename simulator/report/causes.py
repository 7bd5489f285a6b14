"""Reasons for the effect of a hardware setting: the change of the critical path, and idle PEs."""

from typing import TYPE_CHECKING

from simulator.base.lines import listed
from simulator.machines.lut_array.plan import LayerPlan
from simulator.report.reasons import LayerParts, reasons, with_clock
from simulator.report.wording import counted, layers_phrase, significant

if TYPE_CHECKING:
    from simulator.report.result import Result, Run

_SPACE = frozenset({"array.pes", "array.spatial"})
"""Keys that decide which PEs have work."""


def why_moved(key: str, result: "Result", before: "Result") -> list[str]:
    """Return the reasons for which `key` changed the time or the speedup, as phrases.

    Args:
        key: the dotted key.
        result: with the setting.
        before: without it.

    """
    return [*_of_path(result, before), *idle_pes(key, result.run, before.run)]


def change_of_path(before: "Run", after: "Run") -> list[str]:
    """Return the differences of two runs' critical paths as phrases, the largest first."""
    return reasons(_parts(before), _parts(after))


def _parts(run: "Run") -> list[LayerParts]:
    return [
        LayerParts(name=layer.name, parts=parts)
        for layer, parts in zip(run.layers, run.attribution, strict=True)
    ]


def _of_path(result: "Result", before: "Result") -> list[str]:
    """The change of the run's critical path; if the run is unchanged, that of the baseline's."""
    pairs = ((before.run, result.run, ""), (before.baseline, result.baseline, "in the baseline, "))
    moved = [pair for pair in pairs if pair[0].cycles != pair[1].cycles]
    if not moved:
        return ["the same cycles at another clock"]
    was, now, where = moved[0]
    phrases = [where + text for text in change_of_path(was, now)]
    clocks = (before.hardware.clock_ghz, result.hardware.clock_ghz)
    return with_clock(phrases, now.cycles / was.cycles, *clocks)


def idle_pes(key: str, now: "Run", was: "Run") -> list[str]:
    """Name the layers in which most PEs are idle, if a setting makes more of them idle.

    Args:
        key: the setting's.
        now: run with the setting.
        was: without it.

    """
    if key not in _SPACE:
        return []
    plans, old = ([m.plan for m in run.mapping.layers] for run in (now, was))
    idle = [idle_fraction(plan) for plan in plans]
    more = [share for share, plan in zip(idle, old, strict=True) if share > idle_fraction(plan)]
    if not more:
        return []
    most = max(more)
    chosen = [plan for share, plan in zip(idle, plans, strict=True) if share == most]
    pes = now.mapping.layers[0].plan.hardware.array.pes
    layers = layers_phrase([p.layer.name for p in chosen], [p.layer.name for p in plans])
    return [
        f"{_rounded(most * pes)} of {counted(pes, 'PE')} idle on average in {layers.text} "
        f"because {_fill(chosen)} do not fill them"
    ]


def _rounded(count: float) -> str:
    whole = round(count)
    return f"{whole:,}" if abs(count - whole) < 0.005 or whole >= 100 else significant(count)


def _fill(plans: list[LayerPlan]) -> str:
    """What is spread over the PEs, with its numbers."""
    if plans[0].pixels_are_spatial:
        numbers = sorted({plan.pixels for plan in plans})
        return f"{listed([f'{n:,}' for n in numbers])} output pixels"
    numbers = sorted({plan.units_in for plan in plans})
    nouns = {"vectors" if plan.layer.kernel == 1 else "channels" for plan in plans}
    return f"{listed([f'{n:,}' for n in numbers])} input {listed(sorted(nouns))}"


def idle_fraction(plan: LayerPlan) -> float:
    """Mean fraction of the PEs without work, over the steps of a layer on the array."""
    if plan.layer.full_precision:
        return 0.0
    slots = plan.hardware.array.pes * plan.pixel_steps * len(plan.group_units)
    return 1 - plan.pixels * plan.units_in / slots
