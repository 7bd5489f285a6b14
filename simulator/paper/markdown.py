"""Small Markdown and CSV tables for the reports folder."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from simulator.base.citation import CITATION
from simulator.base.version import __version__
from simulator.base.writing import write_file, write_rows

Row = Mapping[str, object]


def table(rows: Sequence[Row]) -> str:
    """Return rows of equal keys as a Markdown table."""
    header = list(rows[0])
    lines = [header, ["---"] * len(header), *([str(v) for v in row.values()] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def write_report(path: Path, title: str, command: str, parts: Sequence[str]) -> Path:
    """Write a report that begins with its command and the paper's citation."""
    head = (
        f"# {title}\n\n`{command}` (version {__version__}) writes this report. Paper: {CITATION}.\n"
    )
    text = "\n".join([head, *parts])
    return write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows of equal keys as CSV."""
    return write_file(path, lambda temporary: write_rows(temporary, rows))


def as_printed(value: float, printed: str) -> str:
    """Return `value` with as many decimals as the printed number."""
    return f"{value:.{len(printed.partition('.')[2])}f}"


def deviation(value: float, printed: str) -> str:
    """Return the deviation of `value` from the printed number, in percent."""
    return f"{100 * (value / float(printed) - 1):+.2f} %"


def extent(values: Iterable[float], form: str) -> str:
    """Return the smallest and the largest of some values, or one value if they print alike."""
    every = sorted(values)
    least, most = form.format(every[0]), form.format(every[-1])
    return least if least == most else f"{least} to {most}"
