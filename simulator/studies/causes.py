"""Bottleneck columns of a run: cycles along its critical path, the largest cause, idle PEs."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from simulator.analysis.attribution import total
from simulator.analysis.run import Run
from simulator.machines.families import family_named
from simulator.program import CategoryTerm


@cache
def short_names(machines: tuple[str, ...]) -> Mapping[str, str]:
    """The short names, for narrow columns, of the families' own categories, by category name."""
    words = [family_named(machine).categories for machine in machines]
    terms = (CategoryTerm.of(category) for categories in words for category in categories)
    return {term.name: term.short for term in terms}


def cycles_column(category: str) -> str:
    """The column of a category's cycles on the critical path; all add up to the run's cycles."""
    return f"{category}_cycles"


def cycles_columns(categories: Iterable[str]) -> list[str]:
    """The cycle columns of several categories."""
    return [cycles_column(category) for category in categories]


def causes_of(run: Run) -> dict[str, Any]:
    """The bottleneck columns of one run."""
    cycles = total(run.attribution)
    columns = [each.name for each in run.family.categories if each.name in cycles]
    cause = max(cycles, key=lambda name: cycles[name])  # the first if several are equal
    titles = {category.name: category.short for category in run.vocabulary.categories}
    return {
        "bottleneck": titles[cause],
        "bottleneck_percent": 100 * cycles[cause] / max(1, run.cycles),
        "idle_pes": _idle(run) or None,
        **{cycles_column(name): cycles[name] for name in columns},
    }


def _idle(run: Run) -> str:
    """PEs that idle in every command of a stage, such as `32 in layer1`; largest number first."""
    if run.at_once:
        return ""  # every layer has PEs of its own
    pes = run.pes
    stages: dict[str, int] = {}
    for mapped in run.mapping.weighted:
        layer = mapped.layer
        if not layer.full_precision:
            stage = layer.stage or layer.name
            stages[stage] = max(mapped.section.pes, stages.get(stage, 0))
    idle = {stage: pes - most for stage, most in stages.items() if most < pes}
    return ", ".join(
        f"{idle[stage]} in {stage}" for stage in sorted(idle, key=lambda stage: -idle[stage])
    )
