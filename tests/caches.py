"""Find and clear the results that the simulator remembers from one run to the next."""

import gc
import importlib
import pkgutil
import sys
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any

import simulator

CODE = {
    "simulator.engine.compiling.available",
    "simulator.engine.fast._kernel",
}
"""Caches of compiled code. They depend on the sources alone."""
OPTIONAL = ("simulator.training",)
"""Packages that import torch."""


def modules() -> list[ModuleType]:
    """Import every module of the simulator that this environment can import."""
    found = [simulator]
    for module in pkgutil.walk_packages(simulator.__path__, "simulator.", onerror=_ignore):
        if module.name.startswith(OPTIONAL) or module.name.endswith("__main__"):
            continue
        found.append(importlib.import_module(module.name))
    return found


def _ignore(name: str) -> None:
    """A package that this environment cannot import."""
    assert name.startswith(OPTIONAL), name


def caches() -> dict[str, Any]:
    """Return all live functools caches of the simulator by full name.

    The result includes caches of classes and of functions inside functions because the garbage
    collector knows all objects.
    """
    modules()
    found: dict[str, Any] = {}
    for each in gc.get_objects():
        if type(each).__name__ == "_lru_cache_wrapper" and _is_ours(each.__module__):
            found[f"{each.__module__}.{each.__qualname__}"] = each
    return found


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "simulator"


def forget() -> None:
    """Empty every cache of results."""
    for each in _of_results():
        each.cache_clear()


@cache
def _of_results() -> tuple[Any, ...]:
    return tuple(found for name, found in caches().items() if name not in CODE)


def containers() -> dict[str, int]:
    """Sizes of all lists, dictionaries and sets in modules and in their classes, by full name."""
    found: dict[str, int] = {}
    for name, module in list(sys.modules.items()):
        if not _is_ours(name):
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, dict | list | set) and not key.startswith("__"):
                found[f"{name}.{key}"] = len(value)
            if isinstance(value, type) and value.__module__ == name:
                for inner, held in vars(value).items():
                    if isinstance(held, dict | list | set) and not inner.startswith("__"):
                        found[f"{name}.{key}.{inner}"] = len(held)
    return found


def anew(value: Any) -> Any:
    """Copy records without sharing a record, and without the values of cached properties."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(anew, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{x.name: anew(getattr(value, x.name)) for x in fields(value)})
    return value
