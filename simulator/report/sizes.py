"""The effect of many commands on the timeline, and on files with every command of a trace."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome

MOST_DRAWN = 4_000_000
"""Most commands of all runs in the HTML report's timeline. A page takes 250 bytes per command
to make: 1.0 GB for the 3.4 million of ResNet-18 at 1024 pixels."""
MANY_COMMANDS = 1_000_000
"""The most commands of files without an announcement."""
_BYTES = {".parquet": 20, ".csv": 86, ".gz": 9}
"""Bytes per command by a file's ending: means over ResNet-18, ResNet-50 and SSD300."""
_PERFETTO_BYTES = 74
"""Bytes per command of an uncompressed Perfetto trace."""


def size_lines(result: "Outcome", files: list[Path]) -> list[str]:
    """One line per file, if the traces of all runs have many commands.

    Args:
        result: from `simulate`; the function does not make its traces.
        files: the planned trace files.

    """
    commands = _commands(result)
    if commands <= MANY_COMMANDS:
        return []
    return [
        f"{path}: {commands:,} commands, about "
        f"{_shown(commands * _BYTES.get(path.suffix, _PERFETTO_BYTES))}"
        for path in files
    ]


def timeline_left_out(result: "Outcome") -> str | None:
    """Return the reason why the HTML report has no timeline, as a sentence; None if it has one."""
    commands = _commands(result)
    if commands <= MOST_DRAWN:
        return None
    runs = "both runs" if result.baseline else "the run"
    return f"No timeline: {commands:,} commands in {runs} exceed the limit of {MOST_DRAWN:,}."


def _commands(result: "Outcome") -> int:
    """Commands of all runs, written out; no trace is made."""
    return sum(run.mapping.commands for run in result.runs)


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
