"""DRAM tables of a study: files that its points name, and that no other input contains."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from simulator.analysis.outcome import configuration_text
from simulator.base.errors import InputError
from simulator.dram.tables import DramTable, load_dram

TIMING = "memory.dram.timing"
"""The key with the name of a table."""


class TableError(RuntimeError):
    """An error: a table has changed since the study began, or differs on this computer."""


def fingerprints(names: Iterable[object]) -> dict[str, str]:
    """The fingerprint of every table's contents, by name, or the reason why there is none."""
    texts = (name for name in names if isinstance(name, str) and name != "fixed")
    return {name: _fingerprint(name) for name in sorted(set(texts))}


def require_unchanged(tables: Mapping[str, str], name: object) -> None:
    """Compare a table with its fingerprint.

    Raises:
        TableError: a changed table.

    """
    if isinstance(name, str) and name in tables and _fingerprint(name) != tables[name]:
        raise TableError(
            f"the DRAM table {name} differs from the table at the start of the study: it has "
            "changed, or this machine has another table under that name"
        )


def table_text(table: DramTable) -> str:
    """A table as part of a configuration."""
    return configuration_text(msgspec.to_builtins(table))


def timing_of(hardware: Mapping[str, Any], settings: Mapping[str, Any]) -> object:
    """The value of `TIMING` in a hardware file's plain data with overrides."""
    return settings.get(TIMING, hardware["memory"]["dram"].get("timing"))


def _fingerprint(name: str) -> str:
    try:
        return hashlib.sha256(table_text(load_dram(name)).encode()).hexdigest()
    except InputError as error:
        return str(error)
