"""Checks of a study before its first run: known keys, sound expressions, possible baselines."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.base.errors import InputError
from simulator.machines.expressions import parse
from simulator.machines.links import Schema, is_expression, links_in, order_of, require_links
from simulator.machines.loading import machines_of, number_schema, wrong_key
from simulator.studies.axes import POINT_FIELDS
from simulator.studies.inputs import Inputs
from simulator.studies.points import Points, PointsFile, naming_row, text_values
from simulator.workload import Workload, configure


def require_known_keys(points: Points, machines: Sequence[str]) -> None:
    """Raise if a key is unknown for some hardware configuration of the study."""
    for name in points.names:
        for machine in machines:
            if name not in POINT_FIELDS and (wrong := wrong_key(name, machine, POINT_FIELDS)):
                which = f" ({machine})" if len(machines) > 1 else ""
                if isinstance(points, PointsFile) and name in points.columns:
                    raise InputError(f"{points.path}, line 1: {wrong}{which}")
                raise InputError(f"{wrong}{which}")


def numbers_of(hardware: Mapping[str, Mapping[str, Any]]) -> Schema:
    """Every dotted key of the study's families, with the numbers that it accepts."""
    schemas = [number_schema(machine) for machine in machines_of(hardware)]
    return {key: takes for schema in schemas for key, takes in schema.items()}


def require_expressions(points: Points, hardware: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise if an expression does not parse, or if the expressions of all points form a cycle."""
    schema, common = numbers_of(hardware), {}
    for name, values in text_values(points).items():
        for value in values:
            if value is not None and is_expression(name, value, schema):
                try:
                    expression = require_links(name, str(value), schema)
                except InputError as error:
                    with naming_row(points, **{name: value}):
                        raise InputError(f"{name} is {value!r}: {error}") from error
                if len(values) == 1:
                    common[name] = expression
    for file, data in hardware.items():
        own = {link.key: parse(link.expression) for link in links_in(data, schema)}
        kept = {key: own[key] for key in own if key not in points.names}
        try:
            order_of({**kept, **common})
        except InputError as error:
            raise InputError(f"{file}: {error}") from error


def require_baselines(inputs: Inputs) -> None:
    """Raise if a baseline is impossible for every network; no point would have a speedup."""
    networks = [x for x in inputs.workloads.values() if isinstance(x, Workload)]
    for bits in inputs.distinct_baselines:
        reasons = [_reason(network, bits, inputs.scope) for network in networks]
        if reasons and None not in reasons:
            raise InputError(f"baseline: {reasons[-1]}")


def _reason(network: Workload, bits: float, scope: str) -> InputError | None:
    """The reason why a network has no baseline of these bits, if any."""
    try:
        configure(network, bits=bits, scope=scope)
    except InputError as error:
        return error
    return None
