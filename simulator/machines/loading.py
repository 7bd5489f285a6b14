"""Hardware files: read, checked by the schema of their family, and changed key by key."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import structs

from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.inputs import convert, parse_yaml, read_yaml
from simulator.base.nearest import did_you_mean
from simulator.base.shipped import find
from simulator.base.wording import listed
from simulator.dram.tables import dram_timing
from simulator.machines.families import family_named, family_names
from simulator.machines.hardware import DEFAULT_MACHINE, Hardware, with_numbers
from simulator.machines.keys import NumberKey, leaves, number_keys
from simulator.machines.links import is_expression, links_in, resolved

_NO_KEYS = frozenset({"machine", "links"})
"""Fields of hardware that no one sets: another machine has other keys, and links are found."""


def load_hardware(name_or_path: str | Path, overrides: Iterable[str] = ()) -> Hardware:
    """Load a hardware file, by path or by the bare name of a shipped one.

    Args:
        name_or_path: for example `"cofluent64"` or `"my/array.yaml"`.
        overrides: `KEY=VALUE` strings such as `"array.pes=128"`, applied in order.

    Raises:
        InputError: the file or an override is wrong.

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
    hardware = _made(data, sources.__getitem__)
    _require_table(hardware)
    return hardware


def read_hardware(name_or_path: str | Path) -> dict[str, Any]:
    """The plain data of a hardware file, checked; for many variants of it with `hardware_from`.

    Linked keys hold their expressions.

    Raises:
        InputError: the file is wrong.

    """
    path = find("hw_configs", name_or_path)
    data = read_yaml(path)
    hardware = _made(data, lambda _: str(path))
    family_named(hardware.machine).require_effects(data, hardware, str(path))
    return data


def hardware_from(data: dict[str, Any], values: Mapping[str, Any], source: str) -> Hardware:
    """Check a hardware file's plain data with some keys replaced; `data` stays as it is.

    Args:
        data: from `read_hardware`.
        values: by dotted key such as `"array.pes"`; numbers, words or expressions.
        source: names the hardware in errors.

    Raises:
        InputError: a key is unknown, a value is not allowed, or an expression has no value.

    """
    plain = _sections_copied(data)
    for key, value in values.items():
        _put(plain, key, value, source)
    hardware = _made(plain, lambda _: source)
    _require_table(hardware)
    return hardware


def _made(data: dict[str, Any], source_of: Callable[[str], str]) -> Hardware:
    """Hardware from plain data whose expressions become numbers; `source_of` a key, for errors."""
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
    return structs.replace(file, links=links)


def machine_in(data: Mapping[str, Any], source: str) -> str:
    """Return the family that a hardware file's plain data names, or the default.

    Raises:
        InputError: there is no such family.

    """
    machine = data.get("machine", DEFAULT_MACHINE)
    if not isinstance(machine, str) or machine not in family_names():
        choices = listed(family_names(), "or")
        raise InputError(f"{source}: machine is {str(machine)[:60]!r}: unknown; use {choices}")
    return machine


def with_expressions(hardware: Hardware) -> dict[str, Any]:
    """The plain data of hardware as `hardware_from` takes it: linked keys hold expressions."""
    data = with_numbers(hardware)
    for link in hardware.links:
        _put(data, link.key, link.expression, hardware.name)
    return data


def _sections_copied(data: dict[str, Any]) -> dict[str, Any]:
    """New dictionaries, the same values: all that setting keys needs, and faster than deepcopy."""
    return {k: _sections_copied(v) if isinstance(v, dict) else v for k, v in data.items()}


def machines_of(hardware: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the families of some hardware files' plain data by name, each once."""
    return tuple(sorted({machine_in(data, name) for name, data in hardware.items()}))


@cache
def hardware_keys(machine: str) -> Mapping[str, type]:
    """Every dotted key that a family's files may have, with the type of its values."""
    keys = leaves(family_named(machine).schema)
    return {key: kind for key, kind in keys if key.partition(".")[0] not in _NO_KEYS}


@cache
def number_schema(machine: str) -> Mapping[str, NumberKey | None]:
    """Every dotted key of a family, with the numbers that it takes or expressions give."""
    keys = number_keys(family_named(machine).schema)
    return {key: takes for key, takes in keys if key.partition(".")[0] not in _NO_KEYS}


def wrong_key(key: str, machine: str, others: Iterable[str] = ()) -> str | None:
    """Why no file of a family has the key, with the nearest one; None if it may have it.

    Args:
        key: dotted, such as `array.pes`.
        machine: the family.
        others: names that are no keys, but may be meant.

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
    """Return the plain data of hardware, and the name that errors give it.

    Raises:
        InputError: a wrong type or file.

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
        InputError: the value is not allowed.

    """
    return hardware_from(with_expressions(hardware), {key: value}, "hardware")


def _put(data: dict[str, Any], key: str, value: Any, source: str) -> None:
    """Put a value under `a.b.c` of nested plain data that the schema has checked."""
    if wrong := wrong_key(key, data.get("machine", DEFAULT_MACHINE)):
        raise InputError(f"{source}: {wrong}")
    *parents, last = key.split(".")
    inner: Any = data
    for parent in parents:
        inner = inner[parent]
    inner[last] = value


def _require_table(hardware: Hardware) -> None:
    """Read a DRAM table: a wrong one is an error now, not when it is first used."""
    dram_timing(hardware.dram, hardware.clock_ghz)
