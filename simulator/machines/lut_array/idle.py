"""PEs without work: the layers that do not fill the array."""

from simulator.base.wording import counted, layers_phrase, listed, significant
from simulator.machines.family import Change
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan

_SPACE = frozenset({"array.pes", "array.spatial"})
"""Keys that decide which PEs have work."""


def idle_pes(change: Change[MappedLayer]) -> list[str]:
    """Name the layers in which most PEs are idle, if a change makes more of them idle."""
    if change.key not in _SPACE:
        return []
    now = change.after[0]
    plans, old = ([m.plan for m in run.mapping.weighted] for run in (now, change.before[0]))
    idle = [idle_fraction(plan) for plan in plans]
    more = [share for share, plan in zip(idle, old, strict=True) if share > idle_fraction(plan)]
    if not more:
        return []
    most = max(more)
    chosen = [plan for share, plan in zip(idle, plans, strict=True) if share == most]
    pes = now.mapping.pes
    layers = layers_phrase([p.layer.name for p in chosen], [p.layer.name for p in plans])
    return [
        f"{_rounded(most * pes)} of {counted(pes, 'PE')} idle on average in {layers.text} "
        f"because {_fill(chosen)} do not fill them"
    ]


def _rounded(count: float) -> str:
    whole = round(count)
    return f"{whole:,}" if abs(count - whole) < 0.005 or whole >= 100 else significant(count)


def _fill(plans: list[LayerPlan]) -> str:
    """Return the items that the array spreads over its PEs, with their numbers."""
    if plans[0].pixels_are_spatial:
        numbers = sorted({plan.pixels for plan in plans})
        return f"{listed([f'{n:,}' for n in numbers])} output pixels"
    numbers = sorted({plan.units_in for plan in plans})
    nouns = {"vectors" if plan.layer.has_vectors else "channels" for plan in plans}
    return f"{listed([f'{n:,}' for n in numbers])} input {listed(sorted(nouns))}"


def idle_fraction(plan: LayerPlan) -> float:
    """Mean fraction of the PEs without work, over the steps of a layer on the array."""
    if plan.layer.full_precision:
        return 0.0
    slots = plan.hardware.array.pes * plan.pixel_steps * len(plan.group_units)
    return 1 - plan.pixels * plan.units_in / slots
