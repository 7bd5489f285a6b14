"""Compile ahead of the first run what Python and numba would compile then.

python -m simulator.warm
"""

import compileall
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from simulator.engine.fast import run, totals
from simulator.hardware import load_hardware
from simulator.mapping import map_workload
from simulator.mapping.layer import map_layer
from simulator.mapping.plan import plan_layers
from simulator.mapping.ring import room_ages_of
from simulator.mapping.weights import room_of
from simulator.workload import configure, load_workload


def warm() -> None:
    """Keep the package's bytecode, and what of mapper and fast engine compiles, on disk."""
    with ProcessPoolExecutor(2) as pool:
        parts: tuple[Callable[[], None], ...] = (_mapper, _engine)
        for part in [pool.submit(part) for part in parts]:
            part.result()


def _mapper() -> None:
    workload, hardware = configure(load_workload("r20"), tau=5), load_hardware("cofluent64")
    layers = [map_layer(plan, compiled=True) for plan in plan_layers(workload, hardware)]
    room_ages_of([layer.weights for layer in layers], room_of(hardware), compiled=True)


def _engine() -> None:
    compileall.compile_dir(str(Path(__file__).parent), quiet=1)
    workload, hardware = configure(load_workload("r20"), tau=5), load_hardware("cofluent64")
    mapping = map_workload(workload, hardware)
    totals(mapping.loops, compiled=True)
    run(mapping.program, compiled=True)


if __name__ == "__main__":
    warm()
