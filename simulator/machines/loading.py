"""Hardware files: reading, checks against the family's schema, and changes key by key."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, structs

from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.inputs import convert, read_yaml
from simulator.base.nearest import did_you_mean
from simulator.base.shipped import find
from simulator.base.wording import listed
from simulator.base.yaml_text import parse_yaml
from simulator.dram.section import IN_TIME, OTHER_UNIT, require_one_unit
from simulator.dram.tables import dram_timing
from simulator.machines.families import family_named, family_names
from simulator.machines.hardware import DEFAULT_MACHINE, Hardware, with_numbers
from simulator.machines.keys import NumberKey, leaves, number_keys
from simulator.machines.links import is_expression, links_in, resolved

_NO_KEYS = frozenset({"machine", "links"})
"""Fields that overrides cannot set: another machine has other keys, and `links` follows."""


def load_hardware(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Hardware:
    """Load a hardware file, by path or by the bare name of a shipped file.

    Args:
        name_or_path: for example `"cofluent64"` or `"my/array.yaml"`.
        overrides: `KEY=VALUE` strings such as `"array.pes=128"`, applied in order.

    Raises:
        InputError: the file or an override is invalid.

    Example:
        >>> from simulator import load_hardware
        >>> load_hardware("cofluent64", ["array.pes=128"]).array.pes
        128

    """
    path = find("hw_configs", name_or_path)
    data = read_hardware(path)
    machine = machine_in(data, str(path))
    checked = with_numbers(_made(data, lambda _: str(path)))
    sources = dict.fromkeys(hardware_keys(machine), str(path))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key or not text:
            raise InputError(f"--set {override}: expected KEY=VALUE, for example array.pes=128")
        source = f"--set {override}"
        value = parse_yaml(text, source)
        _put(data, key, value, source)
        sources[key] = source
        if not is_expression(key, value, number_schema(machine)):
            _put(checked, key, value, source)
            convert(checked, family_named(machine).schema, source)
    _require_one_unit_each([key for key in sources if sources[key] != str(path)], "--set")
    hardware = _made(data, sources.__getitem__)
    _require_table(hardware)
    return hardware


def read_hardware(name_or_path: str | Path) -> dict[str, Any]:
    """Return the checked plain data of a hardware file, for variants with `hardware_from`.

    Linked keys have their expressions as values.

    Raises:
        InputError: the file is invalid.

    """
    path = find("hw_configs", name_or_path)
    data = read_yaml(path)
    hardware = _made(data, lambda _: str(path))
    family_named(hardware.machine).require_effects(data, hardware, str(path))
    return data


def hardware_from(data: dict[str, Any], values: Mapping[str, Any], source: str) -> Hardware:
    """Check a hardware file's plain data with some keys replaced; do not change `data`.

    Args:
        data: from `read_hardware`.
        values: numbers, words or expressions, by dotted key such as `"array.pes"`.
        source: names the hardware in errors.

    Raises:
        InputError: a key is unknown, a value is invalid, or an expression has no value.

    """
    _require_one_unit_each({key for key, value in values.items() if value is not None}, source)
    plain = _sections_copied(data)
    for key, value in values.items():
        _put(plain, key, value, source)
    hardware = _made(plain, lambda _: source)
    _require_table(hardware)
    return hardware


def hardware_of(data: dict[str, Any], source: str) -> Hardware:
    """Check plain data with a number at each key, such as those of a saved result.

    Args:
        data: from `with_numbers`. A DRAM table may be missing.
        source: names the data in errors.

    Raises:
        InputError: the data is invalid.

    """
    return _made(data, lambda _: source)


def _made(data: dict[str, Any], source_of: Callable[[str], str]) -> Hardware:
    """Make hardware from plain data, with numbers for expressions; errors name `source_of(key)`."""
    machine = machine_in(data, source_of("name"))
    if "links" in data:
        raise InputError(
            f"{source_of('name')}: unknown key 'links': a linked key has an expression"
        )
    schema = number_schema(machine)
    links = links_in(data, schema)
    if links:
        data = resolved(data, links, schema, source_of)
    file: Hardware = convert(data, family_named(machine).schema, source_of("name"))
    require_one_unit(file.dram, source_of("name"))
    return structs.replace(file, links=links)


def machine_in(data: Mapping[str, Any], source: str) -> str:
    """Return the family that a hardware file's plain data names, or the default.

    Raises:
        InputError: the family does not exist.

    """
    machine = data.get("machine", DEFAULT_MACHINE)
    if not isinstance(machine, str) or machine not in family_names():
        choices = listed(family_names(), "or")
        raise InputError(f"{source}: machine is {str(machine)[:60]!r}: unknown; use {choices}")
    return machine


def with_expressions(hardware: Hardware) -> dict[str, Any]:
    """Return plain data for `hardware_from`, with the expressions of linked keys."""
    data = with_numbers(hardware)
    for link in hardware.links:
        _put(data, link.key, link.expression, hardware.name)
    return data


def _sections_copied(data: dict[str, Any]) -> dict[str, Any]:
    """Copy the dictionaries, not the values: enough for setting keys, faster than deepcopy."""
    return {k: _sections_copied(v) if isinstance(v, dict) else v for k, v in data.items()}


def machines_of(hardware: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the families of some hardware files' plain data, each once."""
    return tuple(sorted({machine_in(data, name) for name, data in hardware.items()}))


@cache
def hardware_keys(machine: str) -> Mapping[str, type]:
    """Return every dotted key that a family's files may have, with the type of its values."""
    keys = leaves(family_named(machine).schema)
    return {key: kind for key, kind in keys if key.partition(".")[0] not in _NO_KEYS}


@cache
def number_schema(machine: str) -> Mapping[str, NumberKey | None]:
    """Return every dotted key of a family, with the numbers that it takes."""
    keys = number_keys(family_named(machine).schema)
    return {key: takes for key, takes in keys if key.partition(".")[0] not in _NO_KEYS}


def needs_value(key: str, machine: str) -> bool:
    """True if a file that has the key's section must have the key, with a number."""
    takes = number_schema(machine).get(key)
    return takes is not None and takes.default is NODEFAULT


def wrong_key(key: str, machine: str, others: Iterable[str] = ()) -> str | None:
    """Return the error for a key that a family does not have; None if the family has the key.

    Args:
        key: a dotted key, such as `array.pes`.
        machine: the family.
        others: other names that the user may mean, which are not keys.

    """
    known = hardware_keys(machine)
    if key in known:
        return None
    if inside := [name for name in known if name.startswith(f"{key}.")]:
        return f"{key!r} is a section; set one of its keys: {', '.join(inside)}"
    hint = did_you_mean(key, [*others, *known])
    example = family_named(machine).example
    return f"unknown key {key!r}: {hint or f'`simulate show {example}` prints the keys'}"


def hardware_data(hardware: Hardware | str | Path) -> tuple[dict[str, Any], str]:
    """Return the plain data of hardware, and its name in errors.

    Raises:
        InputError: an invalid type or file.

    """
    if isinstance(hardware, Hardware):
        return with_expressions(hardware), hardware.name
    path = arguments.name_or_path(
        "hardware", hardware, "cofluent64", "a Hardware from load_hardware"
    )
    return read_hardware(path), str(path)


def with_value(hardware: Hardware, key: str, value: object) -> Hardware:
    """Return the hardware with one key replaced.

    Raises:
        InputError: the value is invalid.

    """
    return hardware_from(with_expressions(hardware), {key: value}, "hardware")


def _put(data: dict[str, Any], key: str, value: Any, source: str) -> None:
    """Set the value of `a.b.c` in nested plain data that the schema has checked.

    A rate or latency of the DRAM replaces its value in the other unit. A section that the file
    leaves out begins without keys.
    """
    if wrong := wrong_key(key, data.get("machine", DEFAULT_MACHINE)):
        raise InputError(f"{source}: {wrong}")
    *parents, last = key.split(".")
    inner: Any = data
    for parent in parents:
        if inner.get(parent) is None:
            inner[parent] = {}
        inner = inner[parent]
    inner[last] = value
    if value is not None and key in OTHER_UNIT:
        inner.pop(OTHER_UNIT[key].rpartition(".")[2], None)


def _require_one_unit_each(keys: Collection[str], source: str) -> None:
    """Raise an error if overrides set the two units of a quantity."""
    for cycles, time in IN_TIME.items():
        if cycles in keys and time in keys:
            raise InputError(f"{source}: {time} and {cycles} are one quantity; set one of them")


def _require_table(hardware: Hardware) -> None:
    """Read a DRAM table: an invalid table is an error now, not at its first use."""
    dram_timing(hardware.dram, hardware.clock_ghz)
