"""Estimated sizes of files that hold every command of a trace."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.report.result import Result

MANY_COMMANDS = 1_000_000
"""Files of fewer commands are not announced."""
_BYTES = {".parquet": 17, ".csv": 72, ".gz": 9}
"""Bytes per command by a file's ending: means over ResNet-18, ResNet-50 and SSD300."""
_PERFETTO_BYTES = 74
"""Bytes per command of a Perfetto trace that is not compressed."""


def size_lines(result: "Result", files: list[Path]) -> list[str]:
    """One line per file, if the traces of both runs have many commands.

    Args:
        result: from `simulate`; its traces are not made.
        files: trace files that will be written.

    """
    commands = sum(run.mapping.commands for run in (result.run, result.baseline))
    if commands <= MANY_COMMANDS:
        return []
    return [
        f"{path}: {commands:,} commands, about "
        f"{_shown(commands * _BYTES.get(path.suffix, _PERFETTO_BYTES))}"
        for path in files
    ]


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
