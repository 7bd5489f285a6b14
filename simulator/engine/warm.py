"""Compile in advance the code that Python and numba would compile at the first run.

python -m simulator.engine.warm
python -m simulator.engine.warm --background      the machine code alone, at the lowest priority

Without numba, compile only the bytecode: the fast engine then runs interpreted.
"""

import compileall
import os
import sys
from pathlib import Path

from simulator.base.extras import hint
from simulator.engine.background import OPTION
from simulator.engine.compiling import available
from simulator.engine.fast import compile_ahead

_LOWEST_PRIORITY = 19


def warm() -> None:
    """Keep the package's bytecode and the fast engine's machine code on disk."""
    print("compiling the simulator's bytecode", flush=True)
    compileall.compile_dir(str(Path(__file__).parent.parent), quiet=1)
    if not available():
        print(f"the fast engine runs interpreted; {hint('fast')}")
        return
    print("compiling the fast engine (numba)", flush=True)
    if not compile_ahead():
        print("no writable folder for it; set NUMBA_CACHE_DIR")


def warm_in_background() -> None:
    """Keep the machine code without disturbing other processes."""
    if hasattr(os, "nice"):
        os.nice(_LOWEST_PRIORITY)
    compile_ahead()


if __name__ == "__main__":
    warm_in_background() if OPTION in sys.argv else warm()
