"""Reasons why one run takes longer than another, from the difference of their attributions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from math import log

from simulator.base.wording import counted
from simulator.program import CategoryTerm

_TAKES_OVER = 0.25
"""The least loss of a replaced group, as a fraction of the growth of the group replacing it."""
_MINOR = 0.1
"""Reasons below this fraction of the largest reason do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerParts:
    """A layer's name and its cycles by category."""

    name: str
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    """The change of a group of categories in a layer; their common noun names the group."""

    group: str
    """The group that changed; if it replaces another, the bottleneck after the change."""
    instead_of: str = ""
    """The group that it replaces as the bottleneck, if any."""
    hides: bool | None = None
    """For transfers: True if compute now hides them, False if it no longer does; otherwise None."""


def reasons(
    before: Sequence[LayerParts], after: Sequence[LayerParts], categories: Iterable[CategoryTerm]
) -> list[str]:
    """Return the differences of two runs as phrases, the largest first.

    Args:
        before: the layers of one run.
        after: the layers of the other run, with the same names and order.
        categories: the categories of both runs.

    """
    words = {category.name: category for category in categories}
    hideable = {category.noun for category in words.values() if category.hideable}
    causes: dict[_Cause, dict[str, int]] = {}
    for one, other in zip(before, after, strict=True):
        for cause, cycles in _causes(_grouped(one, words), _grouped(other, words), hideable):
            by_layer = causes.setdefault(cause, {})
            by_layer[one.name] = by_layer.get(one.name, 0) + cycles
    totals = {cause: sum(by_layer.values()) for cause, by_layer in causes.items()}
    slower = sum(totals.values()) >= 0
    leading = sorted(
        (cause for cause, cycles in totals.items() if cycles and (cycles > 0) == slower),
        key=lambda cause: -abs(totals[cause]),
    )
    return [
        f"{_phrase(cause, named(causes[cause], len(before)), totals[cause])} "
        f"({totals[cause]:+,} {'cycle' if abs(totals[cause]) == 1 else 'cycles'})"
        for cause in leading
        if abs(totals[cause]) >= _MINOR * abs(totals[leading[0]])
    ]


def with_clock(
    phrases: Sequence[str], growth: float, was_ghz: float, now_ghz: float, dram: str | None = None
) -> list[str]:
    """Add a change of the clock to the reasons for a change of the cycles, the larger one first.

    Args:
        phrases: reasons for the cycles, in the direction of their change.
        growth: the ratio of cycles after to cycles before.
        was_ghz: the clock before.
        now_ghz: the clock after.
        dram: the effect of the clock on the DRAM as a clause, if any.

    """
    if was_ghz == now_ghz:
        return list(phrases)
    length = was_ghz / now_ghz
    clock = (
        f"{'longer' if length > 1 else 'shorter'} cycles at {now_ghz:g} GHz instead of "
        f"{was_ghz:g} GHz{f' ({dram})' if dram else ''}"
    )
    if growth == 1:
        return [clock]
    clock_leads = abs(log(length)) >= abs(log(growth))
    if (growth > 1) == (length > 1):
        return [clock, *phrases] if clock_leads else [*phrases, clock]
    if clock_leads:
        return [clock, f"partly offset: {phrases[0]}", *phrases[1:]]
    return [*phrases, f"partly offset by {clock}"]


def _grouped(layer: LayerParts, words: Mapping[str, CategoryTerm]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part, cycles in layer.parts.items():
        group = words[part].noun
        sums[group] = sums.get(group, 0) + cycles
    return sums


def _causes(
    was: Mapping[str, int], now: Mapping[str, int], hideable: Set[str]
) -> Iterator[tuple[_Cause, int]]:
    """Yield the causes of one layer's change, with cycles that add up to the change.

    Groups that change in the layer's direction are causes. They share the layer's change in
    proportion, because groups that change in the other direction offset a part of each.
    """
    changes = {group: now.get(group, 0) - was.get(group, 0) for group in {**was, **now}}
    whole = sum(changes.values())
    sign = 1 if whole >= 0 else -1
    leading = sorted((g for g in changes if sign * changes[g] > 0), key=lambda g: -abs(changes[g]))
    against = [group for group in changes if sign * changes[group] < 0]
    shares = _shared(whole, [changes[group] for group in leading])
    for number, (group, cycles) in enumerate(zip(leading, shares, strict=True)):
        rival = max(against, key=lambda g: abs(changes[g]), default="") if number == 0 else ""
        if rival and abs(changes[rival]) >= _TAKES_OVER * abs(changes[group]):
            new, old = (group, rival) if sign > 0 else (rival, group)
            moved = was.get(old, 0) == max(was.values()) and now.get(new, 0) == max(now.values())
            yield _cause(new if moved else group, old if moved else "", was, now, hideable), cycles
        else:
            yield _cause(group, "", was, now, hideable), cycles


def _shared(whole: int, parts: Sequence[int]) -> list[int]:
    """Split `whole` in proportion to `parts`, into whole cycles that add up to `whole`."""
    bounds = [sum(parts[:n]) * whole // max(1, abs(sum(parts))) for n in range(len(parts) + 1)]
    if sum(parts) < 0:
        bounds = [-bound for bound in bounds]
    return [after - before for before, after in pairwise(bounds)]


def _cause(
    group: str, old: str, was: Mapping[str, int], now: Mapping[str, int], hideable: Set[str]
) -> _Cause:
    if group in hideable and not was.get(group, 0):
        return _Cause(group=group, hides=False)
    stream = old or group
    if stream in hideable and not now.get(stream, 0):
        return _Cause(group=stream, hides=True)
    return _Cause(group=group, instead_of=old)


def _phrase(cause: _Cause, layers: str, cycles: int) -> str:
    noun = cause.group
    if cause.hides is not None:
        return f"compute {'now' if cause.hides else 'no longer'} hides the {noun} of {layers}"
    if cause.instead_of:
        return f"the bottleneck moves from {cause.instead_of} to {noun} in {layers}"
    where = "" if layers in noun.split() else f" in {layers}"  # a stage names its layer
    return f"{'more' if cycles > 0 else 'less'} time in {noun}{where}"


def named(change: Mapping[str, int], of_layers: int) -> str:
    """Name the layer with the largest change and count the others, or return "all layers"."""
    if len(change) == of_layers > 1:
        return "all layers"
    first = max(change, key=lambda name: abs(change[name]))
    more = len(change) - 1
    return f"{first} and {counted(more, 'more layer')}" if more else first
