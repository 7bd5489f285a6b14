"""DRAM timing tables, `hw_configs/dram/*.yaml`, and their use by the hardware file."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.guard import read_text
from simulator.base.inputs import convert, parse_mapping
from simulator.base.quantities import Count, Cycles, exact
from simulator.base.shipped import find
from simulator.dram import Rule, Timing
from simulator.dram.limits import MOST_CYCLES, MOST_DMA_BURST, require_limits
from simulator.dram.section import Dram
from simulator.dram.timing import RANK_COMMANDS, Command, Level

Picojoules = Annotated[float, Meta(ge=0, le=1e9)]
CommandName = Literal["ACT", "PRE", "RD", "RDA", "WR", "WRA", "PREA", "REF"]
FIELDS = ("Ch", "Co", "Bg", "Ba", "Ra", "Ro")


class Organisation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sizes of a DRAM."""

    channels: Count
    ranks: Count
    bank_groups: Count
    """Bank groups of a rank."""
    banks_per_group: Count
    rows: Count
    """Rows of a bank."""
    bursts_per_row: Count
    burst_bytes: Count


class RuleLine(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One timing rule; `latency` is a sum of timing parameters and numbers."""

    level: Literal["channel", "rank", "bank_group", "bank"]
    preceding: Annotated[tuple[CommandName, ...], Meta(min_length=1)]
    following: Annotated[tuple[CommandName, ...], Meta(min_length=1)]
    latency: str | int
    window: Count = 1
    sibling: bool = False


class DramEnergy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The energy of a channel's devices."""

    activate_pj: Picojoules
    """The energy of opening and closing a row."""
    read_byte_pj: Picojoules
    write_byte_pj: Picojoules
    background_mw: Picojoules
    """Standby and refresh power of one rank of one channel."""


class DramTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A DRAM standard at one speed."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    clock_mhz: Annotated[float, Meta(gt=0, le=1e12)]
    """The clock of commands; data moves on both edges."""
    organisation: Organisation
    mapping: str
    """Fields of an address from the highest to the lowest, for example RoRaBaCoBgCh."""
    separate_row_bus: bool
    command_cycles: dict[str, Count]
    timing: dict[str, Cycles]
    read_data: str | int
    write_data: str | int
    refresh_interval: str | int
    """The interval between two refreshes of a rank; 0: no refresh."""
    rules: tuple[RuleLine, ...]
    energy: DramEnergy


def load_dram(name_or_path: str | Path) -> DramTable:
    """Load a DRAM table, by path or by the bare name of a shipped table.

    Raises:
        InputError: the table does not exist or is invalid.

    """
    given = _GIVEN.get().get(str(name_or_path))
    if given is not None:
        return given
    path = find("hw_configs/dram", name_or_path)
    return _table(read_text(path), str(path))


_GIVEN: ContextVar[Mapping[str, DramTable]] = ContextVar(
    "tables that are given", default=MappingProxyType({})
)


@contextmanager
def table_given(name: str, table: DramTable) -> Iterator[None]:
    """Make a name refer to this table instead of a file, until the context ends."""
    token = _GIVEN.set({**_GIVEN.get(), name: table})
    try:
        yield
    finally:
        _GIVEN.reset(token)


@lru_cache(maxsize=16)
def _table(text: str, path: str) -> DramTable:
    """Return the table in a file's text; cached, because every machine of a study needs it."""
    return dram_from(parse_mapping(text, path), path)


def dram_from(data: dict[str, Any], path: str) -> DramTable:
    """Check a table's plain data.

    Args:
        data: the contents of the table's file.
        path: names the data in errors.

    Raises:
        InputError: the table is invalid.

    """
    table = convert(data, DramTable, path)
    names = {command.name for command in Command}
    if set(table.command_cycles) != names:
        raise InputError(f"{path}: command_cycles: expected exactly {', '.join(sorted(names))}")
    _order(table.mapping, f"{path}: mapping")
    for key in ("read_data", "write_data", "refresh_interval"):
        _cycles(getattr(table, key), table.timing, f"{path}: {key}")
    for number, rule in enumerate(table.rules):
        _cycles(rule.latency, table.timing, f"{path}: rules[{number}].latency")
        if rule.level in {"bank", "bank_group"} and _ranks_only(rule):
            raise InputError(
                f"{path}: rules[{number}].level is {rule.level!r}: PREA and REF are commands of a "
                "whole rank; use rank or channel"
            )
    return table


def _ranks_only(rule: RuleLine) -> bool:
    names = {command.name for command in RANK_COMMANDS}
    return not names.isdisjoint(rule.preceding) or not names.isdisjoint(rule.following)


def dram_table(dram: Dram) -> DramTable | None:
    """Return the table that a hardware file names; None with `timing: fixed`.

    Raises:
        InputError: as `load_dram`.

    """
    return None if dram.timing == "fixed" else load_dram(dram.timing)


def dram_timing(dram: Dram, clock_ghz: float) -> Timing | None:
    """Return all numbers that the DRAM model needs; None with `timing: fixed`.

    Args:
        dram: the section of the hardware file.
        clock_ghz: the clock of the array.

    Raises:
        InputError: the table, or a key that changes it, is invalid.

    """
    table = dram_table(dram)
    if table is None:
        return None
    sizes, numbers = table.organisation, table.timing
    if dram.burst_bytes % sizes.burst_bytes:
        raise InputError(
            f"memory.dram.burst_bytes is {dram.burst_bytes}: {table.name} moves bursts of "
            f"{sizes.burst_bytes} bytes; use a multiple"
        )
    if dram.burst_bytes > MOST_DMA_BURST * sizes.burst_bytes:
        raise InputError(
            f"memory.dram.burst_bytes is {dram.burst_bytes:,}: the limit with {table.name} is "
            f"{MOST_DMA_BURST * sizes.burst_bytes:,}, which are {MOST_DMA_BURST} of its bursts"
        )
    where = f"DRAM table {table.name}"
    timing = Timing(
        clock=exact(table.clock_mhz) / 1000 / exact(clock_ghz),
        channels=dram.channels or sizes.channels,
        ranks=dram.ranks or sizes.ranks,
        bank_groups=sizes.bank_groups,
        banks=sizes.banks_per_group,
        rows=sizes.rows,
        columns=sizes.bursts_per_row,
        burst_bytes=sizes.burst_bytes,
        order=_order(dram.mapping or table.mapping, "memory.dram.mapping"),
        rules=tuple(_rule(line, numbers, where) for line in table.rules),
        command_cycles=tuple(table.command_cycles[command.name] for command in Command),
        separate_row_bus=table.separate_row_bus,
        read_data=_cycles(table.read_data, numbers, where),
        write_data=_cycles(table.write_data, numbers, where),
        refresh_interval=_cycles(table.refresh_interval, numbers, where),
        first_ready=(dram.scheduler or "first_ready") == "first_ready",
        open_page=(dram.page_policy or "open") == "open",
        queue_depth=dram.queue_depth or QUEUE_DEPTH,
    )
    require_limits(timing, where)
    return timing


_MOST_DIGITS = 10
"""Digits of a number in a sum of cycles."""
QUEUE_DEPTH = 16
"""ASSUMED: bursts in a controller's queue per channel, unless the hardware file sets the number."""


def _rule(line: RuleLine, numbers: Mapping[str, int], where: str) -> Rule:
    return Rule(
        level=Level[line.level.upper()],
        preceding=tuple(Command[name] for name in line.preceding),
        following=tuple(Command[name] for name in line.following),
        latency=_cycles(line.latency, numbers, where),
        window=line.window,
        sibling=line.sibling,
    )


def _cycles(text: str | int, numbers: Mapping[str, int], where: str) -> int:
    """Return the value of a sum such as `CL + BL + 2 - CWL`; 0 if the sum is negative.

    Raises:
        InputError: a term is neither a number nor a timing parameter.

    """
    total, sign = 0, 1
    for token in re.findall(r"[+-]|[^\s+-]+", str(text)):
        if token in {"+", "-"}:
            sign = 1 if token == "+" else -1
        elif (token.isdecimal() and len(token) <= _MOST_DIGITS) or token in numbers:
            total += sign * (int(token) if token.isdecimal() else numbers[token])
        else:
            raise InputError(
                f"{where} is {str(text)!r}: {token!r} is neither a number nor one of the table's "
                f"timing parameters: {', '.join(numbers)}"
            )
    if total > MOST_CYCLES:
        raise InputError(f"{where} is {text}: expected at most {MOST_CYCLES:,} cycles")
    return max(0, total)


def _order(mapping: str, where: str) -> tuple[str, ...]:
    """Return the fields of an address from the lowest to the highest.

    `Ba` without `Bg` means both, with the bank group in the higher bits.

    Raises:
        InputError: a field is unknown, missing or duplicate.

    """
    text = mapping if "Bg" in mapping else mapping.replace("Ba", "BgBa")
    fields = tuple(re.findall("[A-Z][a-z]", text))
    if "".join(fields) != text or sorted(fields) != sorted(FIELDS):
        raise InputError(
            f"{where} is {mapping!r}: expected each of Ro, Ra, Bg, Ba, Co and Ch once, from the "
            "highest bits of an address to the lowest, for example RoRaBaCoBgCh"
        )
    return fields[::-1]
