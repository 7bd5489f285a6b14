"""The peak memory of the command as a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_MEASURED = """
from pathlib import Path
from simulator.cli import main
try:
    main()
finally:
    print(Path("/proc/self/status").read_text())
"""


def measured(*arguments: str, status: int = 2) -> tuple[str, int]:
    """Run the command as a process: what it says on stderr, its peak memory in KiB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs a system that tells a process's peak memory")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", done.stdout, flags=re.M)
    assert peak is not None
    return done.stderr, int(peak[1])
