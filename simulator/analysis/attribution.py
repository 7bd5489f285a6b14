"""Attribution: the cycles of each layer along the critical path of the trace, by category.

docs/why.md gives the rules, `simulator.engine.path` the walk. Every cycle of a layer belongs to
exactly one command, and therefore to exactly one category.
"""

from collections.abc import Sequence

from simulator.engine.path import spent
from simulator.engine.trace import Trace

Attribution = dict[str, int]
"""Cycles of one layer, or of a whole run, by the name of the category."""


def attribute(trace: Trace) -> tuple[Attribution, ...]:
    """Split the cycles of every layer of a whole run into categories, which add up to them.

    Use this function for traces from files. A run has these numbers in `Run.attribution`.
    """
    rows = spent(trace).tolist()
    return tuple(dict(zip(trace.categories, row, strict=True)) for row in rows)


def total(layers: Sequence[Attribution]) -> Attribution:
    """Return the sum of each category over one or more layers."""
    return {name: sum(layer[name] for layer in layers) for name in layers[0]}
