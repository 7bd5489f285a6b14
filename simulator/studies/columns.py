"""Columns of a study's tables of points and of layers: names with units, types, contents."""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from simulator.base.tabular import Kind
from simulator.machines.families import family_named, family_names
from simulator.machines.links import Link
from simulator.machines.loading import hardware_keys
from simulator.studies.causes import cycles_columns, short_names

HARDWARE_PREFIX = "hw."

RELATIVE_COLUMNS: Mapping[str, Kind] = {
    "reference_point": "int64",  # base of the next two, see simulator.studies.relative
    "speedup_over_reference": "double",
    "scaling_efficiency_percent": "double",  # that speedup over the ratio of PEs
    "dominated": "bool",  # another point is at least as fast and small, and better in one
    "slower_than_point": "int64",  # the fastest smaller array, if it is faster
    "grown_cause": "string",  # the cause that grew most since that point
    "grown_cause_percent": "double",  # percentage of this run's cycles
}
"""Columns that depend on the other points of the study; chunks do not have them."""

_POINT: dict[str, Kind] = {
    "point": "int64",
    "hardware": "string",  # the study's name for it
    "pes": "int64",  # number of PEs of the hardware
    "model": "string",
    "input_size": "string",  # height x width in pixels
    "batch": "int64",
    "activation_bits": "int64",
    "shortcut_bits": "int64",  # of maps between binary layers; null without such maps
    "bits": "double",  # the requested bits; with tau, the network's mean, to two decimals
    "tau": "int64",
    "tau_1x1": "int64",
    "mean_bits": "double",  # stored bits per weight, unrounded
    "scope": "string",  # layers that run: `binary`, `weights` or `network`
    "kernels": "string",  # kernels of the run: `file`, `chosen` or `shape only`
    "cycles": "int64",
    "time_ms": "double",
    "baseline_bits": "double",
    "baseline_cycles": "int64",
    "baseline_time_ms": "double",
    "speedup": "double",
    "utilization_percent": "double",
    "baseline_utilization_percent": "double",
    "dram_read_bytes": "int64",
    "dram_written_bytes": "int64",
    "baseline_dram_read_bytes": "int64",
    "baseline_dram_written_bytes": "int64",
    "images_per_second": "double",
    "baseline_images_per_second": "double",
    "tops": "double",  # operations per second in units of 1e12
    "baseline_tops": "double",
    "first_image_ms": "double",  # latency of the first image; pipelines only, as the next two
    "interval_cycles": "int64",  # null if the intervals have not settled within the batch
    "steady_images_per_second": "double",
    "operations_counted": "string",  # meaning of an operation in TOPS and TOPS/W
    "area_gate_equivalents": "int64",  # whole accelerator, `Family.area`
    "time_area_ms_mge": "double",  # area in millions of gate equivalents
    "energy_uj": "double",  # null if the energy table has no energy for the run's MACs
    "baseline_energy_uj": "double",
    "energy_delay_uj_ms": "double",
    "energy_uj_per_image": "double",  # as `energy_uj`
    "baseline_energy_uj_per_image": "double",
    "tops_per_watt": "double",
    "baseline_tops_per_watt": "double",
    **RELATIVE_COLUMNS,
    "bottleneck": "string",  # the largest cause on the critical path
    "bottleneck_percent": "double",  # percentage of the run's cycles
    "idle_pes": "string",  # PEs that a whole stage leaves idle, such as `32 in layer1`
}
_LAST: dict[str, Kind] = {
    "engine": "string",
    "config_sha256": "string",
    "version": "string",
    "links": "string",  # KEY = EXPRESSION of every linked key, joined by `; `
    "error": "string",  # reason why the point is impossible; otherwise null
}
LAYER_COLUMNS: Mapping[str, Kind] = {
    "point": "int64",
    "layer": "string",
    "stage": "string",
    "cycles": "int64",
    "time_us": "double",
    "baseline_cycles": "int64",
    "baseline_time_us": "double",
    "speedup": "double",
    "utilization_percent": "double",
    "bound_by": "string",
    "baseline_bound_by": "string",
    "dram_read_bytes": "int64",
    "dram_written_bytes": "int64",
}
"""The columns of the table of layers."""
_OF_BASELINES = frozenset(
    name for name in (*_POINT, *LAYER_COLUMNS) if name == "speedup" or name.startswith("baseline_")
)
_OF_PIPELINES = frozenset({"first_image_ms", "interval_cycles", "steady_images_per_second"})
_KINDS: dict[Any, Kind] = {int: "int64", float: "double", bool: "bool", str: "string"}
_PLAIN: dict[Kind, tuple[type, ...]] = {
    "int64": (int,),
    "double": (int, float),
    "bool": (bool,),
    "string": (str,),
}


@cache
def point_columns(machines: tuple[str, ...] = (), *, baselines: bool = True) -> Mapping[str, Kind]:
    """The columns of the table of points; the hardware keys, with prefix `hw.`, are last.

    Args:
        machines: families of the study; (): all families.
        baselines: False without the columns of baselines.

    """
    families = machines or family_names()
    causes = short_names(families)
    at_once = any(family_named(name).at_once for name in families)
    points = {n: kind for n, kind in _POINT.items() if at_once or n not in _OF_PIPELINES}
    return {
        **_without_baselines(points, baselines),
        **dict.fromkeys(cycles_columns(causes), "int64"),
        **_LAST,
        **{HARDWARE_PREFIX + k: t for k, t in hardware_columns(machines).items()},
    }


@cache
def chunk_columns(machines: tuple[str, ...], *, baselines: bool) -> Mapping[str, Kind]:
    """The columns of `point_columns` that do not depend on other points."""
    columns = point_columns(machines, baselines=baselines)
    return {name: kind for name, kind in columns.items() if name not in RELATIVE_COLUMNS}


def layer_columns(*, baselines: bool) -> Mapping[str, Kind]:
    """The columns of the table of layers, with or without the columns of baselines."""
    return _without_baselines(LAYER_COLUMNS, baselines)


def _without_baselines(columns: Mapping[str, Kind], baselines: bool) -> Mapping[str, Kind]:
    return {name: kind for name, kind in columns.items() if baselines or not of_baseline(name)}


def of_baseline(column: str) -> bool:
    """True if a column exists only in a study with baselines."""
    return column in _OF_BASELINES


def column_of(axis: str) -> str:
    """The column of the table of points that contains an axis' values."""
    if axis == "hw":
        return "hardware"
    return axis if axis in _POINT else HARDWARE_PREFIX + axis


@cache
def hardware_columns(machines: tuple[str, ...] = ()) -> Mapping[str, Kind]:
    """Every dotted key that hardware files may have, with its column's type.

    Args:
        machines: families of the files; (): all families.

    """
    return {
        key: _KINDS.get(kind, "string")
        for machine in machines or family_names()
        for key, kind in hardware_keys(machine).items()
    }


def flat(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data of hardware as columns, without values that no column can contain."""
    found: dict[str, Any] = {}
    _flatten(hardware, "", found)
    return found


def links_text(links: Iterable[Link]) -> str | None:
    """The value of the column of links; None without links."""
    return "; ".join(map(str, links)) or None


@lru_cache(maxsize=1024)
def links_of(text: str | None) -> Mapping[str, str]:
    """The expressions, by key, of a value of the column of links."""
    links = (link.partition(" = ") for link in (text.split("; ") if text else ()))
    return {key: expression for key, _, expression in links}


def _flatten(value: Any, key: str, found: dict[str, Any]) -> None:
    kind = hardware_columns().get(key)
    if kind is not None:
        text = kind == "string" and not isinstance(value, str) and value is not None
        value = msgspec.json.encode(value).decode() if text else value
        if _fits(value, kind):
            found[HARDWARE_PREFIX + key] = value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _flatten(inner, f"{key}.{name}" if key else str(name), found)


def _fits(value: Any, kind: Kind) -> bool:
    """True if a column of this kind can contain the value."""
    if isinstance(value, bool):
        return kind == "bool"
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return False
    return isinstance(value, _PLAIN[kind])
