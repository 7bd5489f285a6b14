"""Cost of commands with and without numba and pyarrow, relative to an installation with both.

    python benchmarks/extras.py

Prints a table; no result passes or fails. Machines are noisy: compare within one run. Values are
processor time of the command and its workers. An import hook hides the libraries.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the import hook of the tests

from simulator.engine.warm import warm  # noqa: E402 # needs the path above
from tests.hidden import without  # noqa: E402 # same

REPEATS = 3
HIDDEN = {
    "both": (),
    "no pyarrow": ("pyarrow",),
    "no numba": ("numba",),
    "neither": ("numba", "pyarrow"),
}
JOB = "--hw cofluent64 --model r18 --bits 0.56"
STUDY = "sweep --hw cofluent64 --model r18 --bits 1,0.67,0.56,0.44 --jobs 1 --quiet --out {out}"
COMMANDS = {
    "`simulate --help`": "--help",
    "`simulate` r18": JOB,
    "the same, `--out`": f"{JOB} --out {{out}}",
    "the same, `--what-helps`": f"{JOB} --what-helps",
    "`compare`, two r18": "compare cofluent64 cofluent64,array.pes=128 --model r18 --bits 0.56",
    "`sweep`, 64 points": f"{STUDY} --set array.pes=32:512:x2,24,48,96 "
    "--set memory.dram.bytes_per_cycle=4,16",
    "`sweep`, 1,024 points": f"{STUDY} --set array.pes=16:512:+16 "
    "--set memory.dram.bytes_per_cycle=1:8:+1",
}


def seconds(command: str, environment: dict[str, str]) -> float:
    """Median processor time of a command, in s. A long command runs only once."""
    took: list[float] = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            line = command.format(out=folder).split()
            before = _children()
            subprocess.run(
                [sys.executable, "-m", "simulator", *line],
                env=environment,
                check=True,
                capture_output=True,
            )
            took.append(_children() - before)
        if took[0] > 5:
            break
    return statistics.median(took)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure all and print the table."""
    table = Table("command", "both (s)", *list(HIDDEN)[1:])
    with tempfile.TemporaryDirectory() as folder:
        environments = [without(Path(folder), *hidden) for hidden in HIDDEN.values()]
        for name, command in COMMANDS.items():
            first, *others = (seconds(command, environment) for environment in environments)
            table.add_row(name, f"{first:.2f}", *(f"{other / first:.2f}x" for other in others))
    Console(width=100).print(table)


if __name__ == "__main__":
    warm()
    main()
