"""Start a process that makes the engine's machine code, while this process continues interpreted.

The process is detached, has the lowest priority and no output. It ends by itself, also after the
run that started it, because the next run needs the code. A lock lets only one process compile, and
the file of the code gets its name when it is complete.
"""

import os
import subprocess
import sys
from pathlib import Path

_MODULE = "simulator.engine.warm"
OPTION = "--background"


def start(form: str) -> bool:
    """Start the process, which makes one form of the code first; False: the system cannot."""
    package = Path(__file__).parent.parent.parent
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        # -P: a file of the user's folder may have the name of a library
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE, OPTION, form],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    process.returncode = 0  # nobody waits for it
    return True
