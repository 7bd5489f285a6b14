"""Cycle-level simulator of a PE array for 1-bit (BNN) and sub-bit (SNN) neural networks.

>>> from simulator import load_hardware, load_workload, simulate
>>> result = simulate(load_workload("r20"), load_hardware("cofluent64"), bits=0.56)
>>> result.speedup > 1
True
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["InputError", "Result", "load_hardware", "load_workload", "simulate"]

if TYPE_CHECKING:
    from simulator.errors import InputError
    from simulator.hardware import load_hardware
    from simulator.report.result import Result
    from simulator.run import simulate
    from simulator.workload import load_workload

_HOMES = {
    "InputError": "simulator.errors",
    "Result": "simulator.report.result",
    "load_hardware": "simulator.hardware",
    "load_workload": "simulator.workload",
    "simulate": "simulator.run",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import simulator` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
