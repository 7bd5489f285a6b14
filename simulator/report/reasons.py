"""Why one run takes longer than another: the difference of their attributions, in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulator.report.attribution import PART_TITLES, Part

_GROUPS = {
    Part.READ_WEIGHTS: "weights",
    Part.WEIGHTS_LATENCY: "weights",
    Part.READ_INPUTS: "inputs",
    Part.INPUTS_LATENCY: "inputs",
}
"""Transfer and latency of one stream are one reason."""
_STREAMS = frozenset(_GROUPS.values())
_TITLES = {str(part): title for part, title in PART_TITLES.items()} | {
    "weights": "weights from DRAM",
    "inputs": "inputs from DRAM",
}
_TAKES_OVER = 0.25
"""A part that shrinks by this share of what another grows by made room for it."""
_MINOR = 0.1
"""A reason below this share of the largest one is not worth a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerParts:
    """A layer's name and its cycles by part."""

    name: str
    parts: Mapping[Part, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    """What became of a group of parts in a layer."""

    group: str
    """The group that changed; where another made room for it, the one that binds now."""
    instead_of: str = ""
    """The group that bound before, if one did."""
    hides: bool | None = None
    """For transfers: they hide behind compute now, or no longer do; None: neither changed."""


def reasons(before: Sequence[LayerParts], after: Sequence[LayerParts]) -> list[str]:
    """Say in what the layers of two runs differ, the largest difference first.

    Args:
        before: layers of one run.
        after: the same layers, by name and order, of the other.

    """
    causes: dict[_Cause, dict[str, int]] = {}
    for one, other in zip(before, after, strict=True):
        for cause, cycles in _causes(_grouped(one), _grouped(other)):
            by_layer = causes.setdefault(cause, {})
            by_layer[one.name] = by_layer.get(one.name, 0) + cycles
    totals = {cause: sum(by_layer.values()) for cause, by_layer in causes.items()}
    slower = sum(totals.values()) >= 0
    leading = sorted(
        (cause for cause, cycles in totals.items() if cycles and (cycles > 0) == slower),
        key=lambda cause: -abs(totals[cause]),
    )
    return [
        f"{_words(cause, named(causes[cause], len(before)), totals[cause])} "
        f"({totals[cause]:+,} cycles)"
        for cause in leading
        if abs(totals[cause]) >= _MINOR * abs(totals[leading[0]])
    ]


def _grouped(layer: LayerParts) -> dict[str, int]:
    sums: dict[str, int] = {}
    for part, cycles in layer.parts.items():
        group = _GROUPS.get(part, str(part))
        sums[group] = sums.get(group, 0) + cycles
    return sums


def _causes(was: Mapping[str, int], now: Mapping[str, int]) -> Iterator[tuple[_Cause, int]]:
    """The causes of one layer's change, with cycles that add up to it."""
    changes = {group: now.get(group, 0) - was.get(group, 0) for group in {**was, **now}}
    sign = 1 if sum(changes.values()) >= 0 else -1
    lead = max(changes, key=lambda group: sign * changes[group])
    rival = min(changes, key=lambda group: sign * changes[group])
    if changes[lead] * changes[rival] < 0 and (
        abs(changes[rival]) >= _TAKES_OVER * abs(changes[lead])
    ):
        new, old = (lead, rival) if sign > 0 else (rival, lead)
        yield _cause(new, old, was, now), changes.pop(lead) + changes.pop(rival)
    for group, cycles in changes.items():
        if cycles:
            yield _cause(group, "", was, now), cycles


def _cause(group: str, old: str, was: Mapping[str, int], now: Mapping[str, int]) -> _Cause:
    if group in _STREAMS and not was.get(group, 0):
        return _Cause(group=group, hides=False)
    stream = old or group
    if stream in _STREAMS and not now.get(stream, 0):
        return _Cause(group=stream, hides=True)
    return _Cause(group=group, instead_of=old)


def _words(cause: _Cause, where: str, cycles: int) -> str:
    if cause.hides is not None:
        now = "now" if cause.hides else "no longer"
        return f"{cause.group} of {where} {now} hide behind compute"
    if cause.instead_of:
        return f"{_TITLES[cause.group]} binds instead of {_TITLES[cause.instead_of]} in {where}"
    return f"{_TITLES[cause.group]} takes {'longer' if cycles > 0 else 'less time'} in {where}"


def named(change: Mapping[str, int], of_layers: int) -> str:
    """Say which layers: the one that changed most, and how many more."""
    if len(change) == of_layers > 1:
        return "all layers"
    first = max(change, key=lambda name: abs(change[name]))
    more = len(change) - 1
    return first if not more else f"{first} and {more} more layer{'s' if more > 1 else ''}"
