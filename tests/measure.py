"""Measurements of a run: its peak memory, and whether its pictures show something."""

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
SPREAD = 1.25
"""Upper limit of the ratio between the peak memories of two equal runs."""


def measured(*arguments: object, status: int = 2) -> tuple[str, int]:
    """Run the command as a process; return its stderr and its peak memory in KiB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs a system that reports a process's peak memory")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    peak = re.search(r"^VmHWM:\s*(\d+) kB$", done.stdout, flags=re.M)
    assert peak is not None
    return done.stderr, int(peak[1])


def drawn(path: Path) -> bool:
    """True if a picture shows something: many colors in a PNG, many shapes in an SVG."""
    if path.suffix == ".svg":
        return path.read_text().count("<path") > 20
    from matplotlib.image import imread

    pixels = imread(path).reshape(-1, 4)
    return len({pixel.tobytes() for pixel in pixels[::7]}) > 5
