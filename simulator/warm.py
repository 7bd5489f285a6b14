"""Compile ahead of the first run what Python and numba would compile then.

python -m simulator.warm
"""

import compileall
from pathlib import Path

from simulator.engine.fast import run, totals
from simulator.hardware import load_hardware
from simulator.mapping import map_workload
from simulator.workload import configure, load_workload


def warm() -> None:
    """Keep the package's bytecode and the compiled kernel of the fast engine on disk."""
    compileall.compile_dir(str(Path(__file__).parent), quiet=1)
    workload = configure(load_workload("r20"), tau=5)
    mapping = map_workload(workload, load_hardware("cofluent64"))
    totals(mapping.loops, compiled=True)
    run(mapping.program, compiled=True)


if __name__ == "__main__":
    warm()
