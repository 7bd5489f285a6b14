"""The machine families: every package in this folder with a `family.py`."""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from simulator.machines.family import Family
from simulator.machines.hardware import Hardware

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


def family_of(hardware: Hardware) -> Family[Any, Any]:
    """Return the family of some hardware."""
    return family_named(hardware.machine)
