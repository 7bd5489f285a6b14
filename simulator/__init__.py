"""Cycle-level simulator of a PE array for 1-bit (BNN) and sub-bit (SNN) neural networks.

>>> from simulator import simulate
>>> result = simulate("r20", "cofluent64", bits=0.56)
>>> result.speedup > 1
True
"""

from typing import TYPE_CHECKING, Any

from simulator.base.version import __version__

__all__ = [
    "Comparison",
    "EnergyTable",
    "Export",
    "Hardware",
    "InputError",
    "Result",
    "SearchResult",
    "StudyResult",
    "Verification",
    "Workload",
    "__version__",
    "compare",
    "export",
    "load_energy",
    "load_hardware",
    "load_workload",
    "search",
    "simulate",
    "sweep",
    "verify",
    "write_report",
]

if TYPE_CHECKING:
    from simulator.api import compare, search, sweep, write_report
    from simulator.base.errors import InputError
    from simulator.hardware import EnergyTable, Hardware, load_energy, load_hardware
    from simulator.report.compare import Comparison
    from simulator.report.result import Result
    from simulator.run import simulate
    from simulator.studies.run import StudyResult
    from simulator.studies.search import SearchResult
    from simulator.verification import Verification, verify
    from simulator.workload import Workload, load_workload
    from simulator.workload.exporters import Export, export

_HOMES = {
    "Comparison": "simulator.report.compare",
    "EnergyTable": "simulator.hardware",
    "Export": "simulator.workload.exporters",
    "Hardware": "simulator.hardware",
    "InputError": "simulator.base.errors",
    "Result": "simulator.report.result",
    "SearchResult": "simulator.studies.search",
    "StudyResult": "simulator.studies.run",
    "Verification": "simulator.verification",
    "Workload": "simulator.workload",
    "compare": "simulator.api",
    "export": "simulator.workload.exporters",
    "load_energy": "simulator.hardware",
    "load_hardware": "simulator.hardware",
    "load_workload": "simulator.workload",
    "search": "simulator.api",
    "simulate": "simulator.run",
    "sweep": "simulator.api",
    "verify": "simulator.verification",
    "write_report": "simulator.api",
}
"""Where each public name lives. None is the name of a submodule, which would replace it."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import simulator` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names too, for completion and `help`."""
    return sorted({*globals(), *_HOMES})
