"""Cycle-level simulator of a PE array for 1-bit (BNN) and sub-bit (SNN) neural networks.

>>> from simulator import simulate
>>> result = simulate("r20", "cofluent64", bits=0.56)
>>> result.speedup > 1
True
"""

from typing import TYPE_CHECKING, Any

__all__ = [
    "Comparison",
    "EnergyTable",
    "Export",
    "Folding",
    "Hardware",
    "InputError",
    "Result",
    "SearchResult",
    "StudyResult",
    "Verification",
    "Workload",
    "compare",
    "export",
    "fold",
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
    from simulator.api.comparison import Comparison
    from simulator.api.folding import fold
    from simulator.api.functions import compare, search, sweep, write_report
    from simulator.api.result import Result
    from simulator.api.simulate import simulate
    from simulator.api.verification import Verification, verify
    from simulator.base.errors import InputError
    from simulator.base.version import __version__ as __version__
    from simulator.machines import EnergyTable, Hardware, load_energy, load_hardware
    from simulator.studies.folding import Folding
    from simulator.studies.result import StudyResult
    from simulator.studies.search import SearchResult
    from simulator.workload import Workload, load_workload
    from simulator.workload.exporters import Export, export

_HOMES = {
    "Comparison": "simulator.api.comparison",
    "EnergyTable": "simulator.machines",
    "Export": "simulator.workload.exporters",
    "Folding": "simulator.studies.folding",
    "Hardware": "simulator.machines",
    "InputError": "simulator.base.errors",
    "Result": "simulator.api.result",
    "SearchResult": "simulator.studies.search",
    "StudyResult": "simulator.studies.result",
    "Verification": "simulator.api.verification",
    "Workload": "simulator.workload",
    "compare": "simulator.api.functions",
    "export": "simulator.workload.exporters",
    "fold": "simulator.api.folding",
    "load_energy": "simulator.machines",
    "load_hardware": "simulator.machines",
    "load_workload": "simulator.workload",
    "search": "simulator.api.functions",
    "simulate": "simulator.api.simulate",
    "sweep": "simulator.api.functions",
    "verify": "simulator.api.verification",
    "write_report": "simulator.api.functions",
}
"""The module of each public name. None is the name of a submodule, which would replace it."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import simulator` itself costs nothing."""
    if name == "__version__":
        from simulator.base.version import __version__

        return __version__
    if name not in _HOMES:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names too, for completion and `help`."""
    return sorted({*globals(), *_HOMES})
