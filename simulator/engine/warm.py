"""Compile in advance the code that Python and numba would compile at the first run.

python -m simulator.engine.warm
python -m simulator.engine.warm --background FORM     the machine code alone, this form of it first,
                                                      at the lowest priority

Without numba, compile only the bytecode: the fast engine then runs interpreted.
"""

import compileall
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from simulator.base.extras import hint
from simulator.engine.background import OPTION
from simulator.engine.compiling import available
from simulator.engine.fast import FORMS, compile_ahead

_LOWEST_PRIORITY = 19


def warm() -> None:
    """Keep the package's bytecode and the fast engine's machine code on disk."""
    print("compiling the simulator's bytecode", flush=True)
    compileall.compile_dir(str(Path(__file__).parent.parent), quiet=1)
    if not available():
        print(f"the fast engine runs interpreted; {hint('fast')}")
        return
    print("compiling the fast engine (numba)", flush=True)
    with ProcessPoolExecutor(len(FORMS), get_context("spawn")) as pool:
        kept = all(pool.map(compile_ahead, FORMS))
    if not kept:
        print("no writable folder for it; set NUMBA_CACHE_DIR")


def warm_in_background(first: str) -> None:
    """Keep the machine code without disturbing other processes, one form first."""
    if hasattr(os, "nice"):
        os.nice(_LOWEST_PRIORITY)
    for form in sorted(FORMS, key=lambda form: form != first):
        compile_ahead(form)


if __name__ == "__main__":
    warm_in_background(sys.argv[-1]) if OPTION in sys.argv else warm()
