"""The layers of a result by stage."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.analysis.layers import LayerResult
    from simulator.analysis.outcome import Outcome

Sides = tuple["LayerResult", ...]
"""One layer in the run and, if it has one, in the baseline."""


def sides_of(result: "Outcome") -> list[Sides]:
    """Every layer in all runs, in the order of execution."""
    return list(zip(*(run.layers for run in result.runs), strict=True))


def by_stage(layers: Sequence[Sides]) -> dict[str, list[Sides]]:
    """The layers of every stage, also of a stage whose layers are not neighbors.

    Stages are in the order of their first layers; sums over the stages add up to the run.
    """
    found: dict[str, list[Sides]] = {}
    for sides in layers:
        found.setdefault(sides[0].stage, []).append(sides)
    return found
