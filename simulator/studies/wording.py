"""Wording of a study's reports: short names of axes, values, ratios, and headings."""

from collections.abc import Sequence
from functools import cache

from simulator.analysis.title import scope_title
from simulator.base.errors import InputError
from simulator.base.wording import in_yaml, listed
from simulator.studies.axes import POINT_FIELDS, PRECISION, Value
from simulator.studies.columns import hardware_columns
from simulator.studies.effects import Effect
from simulator.studies.point_numbers import StudyFigures
from simulator.studies.points import combinations
from simulator.studies.study import Study
from simulator.workload import Workload, configure

_SHORT = {
    "pes": "PEs",
    "hw": "hardware",
    "input_size": "input size",
    "activation_bits": "act. bits",
    "shortcut_bits": "shortcut bits",
    "tau_1x1": "tau-1x1",
}
_MANY = 3
"""The maximum number of constants' values or networks in a heading, which counts the others."""


@cache
def short_name(axis: str) -> str:
    """The name of an axis in a table or a plot: `PEs`, `batch`, `index buffer kib`.

    A key of the hardware file omits the sections that it does not need to be unique.
    """
    if axis in _SHORT or axis in POINT_FIELDS:
        return _SHORT.get(axis, axis)
    sections = axis.split(".")
    for start in reversed(range(len(sections))):
        tail = ".".join(sections[start:])
        same = [key for key in hardware_columns() if key == tail or key.endswith(f".{tail}")]
        if len(same) <= 1:
            return _SHORT.get(tail, tail.replace(".", " ").replace("_", " "))
    return axis


def shown(value: Value) -> str:
    """The text of an axis' value."""
    if value is None:
        return "(not given)"
    return f"{value:g}" if isinstance(value, float) else in_yaml(value)


def ratio(value: float) -> str:
    """The text of a ratio, such as `3.12x`, or `60.3x` from 20 on."""
    return f"{value:.2f}x" if value < 20 else f"{value:,.1f}x"


def heading(study: Study, figures: StudyFigures) -> str:
    """The heading: points, networks, hardware, bits, the baseline and the scope."""
    said = {name: _values(study, figures, name) for name in study.axis_names}
    networks = _networks(study)
    titles = [f"{x.title}, {x.input_height}x{x.input_width}" for x in networks[:_MANY]]
    if len(networks) > _MANY:
        titles.append(f"{len(networks) - _MANY} more networks")
    precision = [_precision(name, said[name]) for name in PRECISION if said.get(name)]
    facts = [
        f"{name.replace('_', ' ')} {_few(said[name])}"
        for name in ("batch", "activation_bits", "shortcut_bits")
        if said.get(name)
    ]
    constants = [
        f"{short_name(name)} {_few(values)}"
        for name, values in said.items()
        if name not in POINT_FIELDS and len(values) == 1
    ]
    layers, base = _scopes(networks), baselines(study)
    count = f"{figures.point_count:,} point{'s' if figures.point_count > 1 else ''}"
    hardware = listed([*map(str, said["hw"])][:_MANY])
    return (
        f"{count}: {listed(titles)}, on {hardware}"
        f"{' with ' + listed(constants) if constants else ''}: "
        f"{', '.join([listed(precision) or 'bits as in the file', *facts])}"
        f"{f' against {base}' if base else ''}; {layers}"
    )


def baselines(study: Study) -> str | None:
    """The baselines: their bits, and the hardware that has one; None without baselines."""
    having = [name for name, bits in study.inputs.baselines.items() if bits is not None]
    if not having:
        return None
    everywhere = len(having) == len(study.inputs.baselines)
    return f"{baseline_title(study)} on {'the same hardware' if everywhere else _few(having)}"


def baseline_title(study: Study) -> str:
    """The title of the study's baselines, such as `1 bit`; the study has some."""
    return f"{listed([f'{bits:g}' for bits in study.inputs.distinct_baselines])} bit"


def _scopes(networks: Sequence[Workload]) -> str:
    """The layers that run; by network if the networks differ in them."""
    scopes = {network.title: scope_title(network) for network in networks}
    if len(set(scopes.values())) == 1:
        return next(iter(scopes.values()))
    named = [f"{title}: {layers}" for title, layers in [*scopes.items()][:_MANY]]
    more = len(scopes) - len(named)
    return "; ".join([*named, *([f"{more} more networks"] if more else [])])


def subject(study: Study, figures: StudyFigures, *, short: bool = False) -> str:
    """Names of the networks and the hardware, for figures.

    Args:
        study: the study.
        figures: numbers of its points.
        short: omit the bits and the baseline.

    """
    names = [network.title for network in _networks(study)]
    hardware = [str(name) for name in _values(study, figures, "hw")]
    named = f"{_few(names)} on {_few(hardware)}"
    if short:
        return named
    base = f" against {baseline_title(study)}" if study.inputs.has_baselines else ""
    bits = [
        _precision(n, v)
        for n in PRECISION
        if n in study.axis_names and (v := _values(study, figures, n))
    ]
    return f"{named}: {listed(bits) or 'bits as in the file'}{base}"


def _values(study: Study, figures: StudyFigures, name: str) -> tuple[Value, ...]:
    """The values of an axis over all points, even if constant."""
    if name in figures.axes:
        return figures.axes[name]
    described = study.described
    if "axes" in described:
        return tuple(described["axes"][name])
    first = dict(zip(study.axis_names, next(iter(study.points)), strict=True))
    return () if first[name] is None else (first[name],)


def _precision(name: str, values: Sequence[Value]) -> str:
    if name == "bits":
        return f"{_few(values)} bit"
    return f"{name.replace('_', '-')} {_few(values)}"


def _few(values: Sequence[Value]) -> str:
    """Values by name, or the first and the last of many values."""
    texts = [*map(shown, values)]
    return listed(texts) if len(texts) <= _MANY + 1 else f"{texts[0]} to {texts[-1]}"


def _networks(study: Study) -> list[Workload]:
    """The networks as the runs compute them, each once."""
    found: dict[str, Workload] = {}
    bits = next(iter(study.inputs.distinct_baselines), _common_bits(study))
    for (_, _, chosen), network in study.inputs.workloads.items():
        if chosen or not isinstance(network, Workload):
            continue
        try:
            run = configure(
                network,
                bits=bits,
                scope=study.inputs.scope,
            )
        except InputError:  # a network that these bits do not suit has no points
            continue
        found.setdefault(f"{run.title} {run.input_height} {run.input_width}", run)
    return list(found.values())


def _common_bits(study: Study) -> float | None:
    """The bits of all points; None if they differ."""
    asked = {bits for (bits,) in combinations(study.points, ("bits",))}
    bits = asked.pop() if len(asked) == 1 else None
    return bits if isinstance(bits, int | float) else None


# --- effects ------------------------------------------------------------------------------------


def sentence(effect: Effect) -> str:
    """The effect of a factor in words, true for every set of points that differ in it alone."""
    name = listed([f"`{effect.axis}`", *(f"`{axis}`" for axis in effect.axes[1:])])
    if len(effect.axes) > 1:
        name += " together"
    plural = len(effect.axes) > 1
    if not effect.sets:
        verb = "have no measured effect" if plural else "has no measured effect"
        return f"{name} {verb} because no two points differ in {'these' if plural else 'it'} alone."
    if effect.idle:
        return f"{name} {'have' if plural else 'has'} no effect on the time."
    if not effect.matters:
        percent = 100 * (effect.largest_ratio - 1)
        verb = "have" if plural else "has"
        return f"{name} {verb} almost no effect on the time: at most {percent:.2g} %."
    verb = "change" if plural else "changes"
    return f"{name} {verb} the time by {_range(effect)}{_best(effect)}{_enough(effect)}."


def _range(effect: Effect) -> str:
    """The ratio of times, or its range over the sets."""
    least, largest = ratio(effect.least_ratio), ratio(effect.largest_ratio)
    if least == largest:
        return largest
    return f"{least} to {largest}, depending on the other axes"


def _best(effect: Effect) -> str:
    """The fastest values, if every set has every value."""
    if not effect.complete:
        return ""
    if effect.always_fastest:
        text = f"; fastest at {_levels(effect, effect.always_fastest, 'and')}"
        if effect.sets == 1 and effect.slowest:
            text += f", slowest at {_levels(effect, effect.slowest, 'and')}"
        return text
    others = listed([f"`{axis}`" for axis in effect.depends_on]) or "the other axes"
    return f"; fastest at {_levels(effect, effect.fastest, 'or')}, depending on {others}"


def _enough(effect: Effect) -> str:
    if effect.enough is None:
        return ""
    return f"; from {shown(effect.leading_values[effect.enough])} on, within 1 % of the fastest"


def _levels(effect: Effect, levels: Sequence[int], last: str) -> str:
    return listed([shown(effect.leading_values[level]) for level in levels], last)
