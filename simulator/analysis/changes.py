"""Reasons for the effect of a changed key: the change of the critical path, and idle PEs."""

from typing import Any

from simulator.analysis.outcome import Outcome
from simulator.analysis.reasons import LayerParts, reasons, with_clock
from simulator.analysis.run import Run
from simulator.machines.family import Change


def why_moved(key: str, result: Outcome, before: Outcome) -> list[str]:
    """Return the reasons for which `key` changed the time or the speedup, as phrases.

    Args:
        key: the dotted key.
        result: the result with the override.
        before: the result without the override.

    """
    idle = result.run.family.idle_pes(change_of(key, result, before))
    return [*_of_path(result, before), *idle]


def change_of(key: str, result: Outcome, before: Outcome) -> Change[Any]:
    """Return the runs with and without an override, in the form for a family."""
    return Change(key=key, before=before.runs, after=result.runs)


def change_of_path(before: Run, after: Run) -> list[str]:
    """Return the differences of two runs' critical paths as phrases, the largest first."""
    words = (*before.vocabulary.categories, *after.vocabulary.categories)
    return reasons(_parts(before), _parts(after), words)


def _parts(run: Run) -> list[LayerParts]:
    return [
        LayerParts(name=layer.name, parts=parts)
        for layer, parts in zip(run.layers, run.attribution, strict=True)
    ]


def _of_path(result: Outcome, before: Outcome) -> list[str]:
    """The change of the run's critical path; if the run is unchanged, that of the baseline's."""
    places = ("", "in the baseline, ")
    pairs = zip(before.runs, result.runs, places, strict=False)
    moved = [pair for pair in pairs if pair[0].cycles != pair[1].cycles]
    if not moved:
        return ["the same cycles at another clock"]
    was, now, where = moved[0]
    phrases = [where + text for text in change_of_path(was, now)]
    clocks = (before.hardware.clock_ghz, result.hardware.clock_ghz)
    return with_clock(phrases, now.cycles / was.cycles, *clocks)
