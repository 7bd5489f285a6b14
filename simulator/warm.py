"""Compile ahead of the first run what Python and numba would compile then.

    python -m simulator.warm

Without numba only the bytecode: engines and mapper then run interpreted.
"""

import compileall
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from simulator.compiling import available
from simulator.engine.fast import run, totals
from simulator.extras import hint
from simulator.hardware import load_hardware
from simulator.machines.lut_array.plan import plan_layers
from simulator.mapping import map_workload
from simulator.mapping.layer import map_layer
from simulator.mapping.ring import room_ages_of
from simulator.mapping.weights import room_of
from simulator.workload import configure, load_workload


def warm() -> None:
    """Keep the package's bytecode, and what of mapper and fast engine compiles, on disk."""
    print("compiling the simulator's bytecode", flush=True)
    compileall.compile_dir(str(Path(__file__).parent), quiet=1)
    if not available():
        print(f"engines and mapper run interpreted; {hint('fast')}")
        return
    print("compiling engines and mapper (numba)", flush=True)
    with ProcessPoolExecutor(2) as pool:
        parts: tuple[Callable[[], None], ...] = (_mapper, _engine)
        for part in [pool.submit(part) for part in parts]:
            part.result()


def _mapper() -> None:
    workload, hardware = configure(load_workload("r20"), tau=5), load_hardware("cofluent64")
    layers = [map_layer(plan, compiled=True) for plan in plan_layers(workload, hardware)]
    room_ages_of([layer.weights for layer in layers], room_of(hardware), compiled=True)


def _engine() -> None:
    workload, hardware = configure(load_workload("r20"), tau=5), load_hardware("cofluent64")
    mapping = map_workload(workload, hardware)
    totals(mapping.loops, compiled=True)
    run(mapping.program, compiled=True)


if __name__ == "__main__":
    warm()
