"""The machine families: every package in this folder with a `family.py`."""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from simulator.base.errors import InputError
from simulator.base.wording import listed
from simulator.machines.family import Family
from simulator.machines.hardware import Hardware
from simulator.workload.scope import SCOPES, Scope

_HERE = Path(__file__).parent


@cache
def family_names() -> tuple[str, ...]:
    """Return the names of all families, as in hardware files."""
    packages = (module.name for module in iter_modules([str(_HERE)]) if module.ispkg)
    return tuple(sorted(name for name in packages if (_HERE / name / "family.py").exists()))


@cache
def family_named(name: str) -> Family[Any, Any]:
    """Import a family, which is in `family_names`."""
    family: Family[Any, Any] = import_module(f"{__package__}.{name}").FAMILY
    return family


def scopes_of(machines: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes that all of some families run, the default scope first.

    Args:
        machines: names of families.

    Raises:
        InputError: no scope is common to all of them.

    """
    families = {name: family_named(name).scopes for name in dict.fromkeys(machines)}
    common = [scope for scope in SCOPES if all(scope in each for each in families.values())]
    if not common:
        raise InputError(f"no scope suits all of the machines {listed(list(families))}")
    return tuple(common)


def family_of(hardware: Hardware) -> Family[Any, Any]:
    """Return the family of some hardware."""
    return family_named(hardware.machine)
