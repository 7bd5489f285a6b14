"""Compile the fast engine's kernel ahead of the first long study: `python -m simulator.warm`."""

from simulator.engine.fast import run, totals
from simulator.hardware import load_hardware
from simulator.mapping import map_workload
from simulator.workload import configure, load_workload


def warm() -> None:
    """Run a small network compiled; numba keeps the result on disk."""
    workload = configure(load_workload("r20"), tau=5)
    mapping = map_workload(workload, load_hardware("cofluent64"))
    totals(mapping.loops, compiled=True)
    run(mapping.program, compiled=True)


if __name__ == "__main__":
    warm()
