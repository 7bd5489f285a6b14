"""Compile in advance the code that Python and numba would compile at the first run.

python -m simulator.engine.warm

Without numba, compile only the bytecode: the fast engine then runs interpreted.
"""

import compileall
from pathlib import Path

from simulator.base.extras import hint
from simulator.engine.compiling import available
from simulator.engine.fast import compile_ahead


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


if __name__ == "__main__":
    warm()
