"""The HTML report: data, style and script in one file."""

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.base.citation import CITATION
from simulator.base.version import __version__
from simulator.base.writing import write_file
from simulator.machines.assumptions import Assumption
from simulator.report.html.data import page_data
from simulator.report.prepare import make_traces
from simulator.report.sizes import timeline_left_out

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome
    from simulator.base.progress import Progress

_HERE = Path(__file__).parent
_FOOTER = (
    f"Written by simulate (subbit-simulator) {__version__}, a cycle-level simulator of "
    f"accelerators for binary and sub-bit neural networks. Paper: {CITATION}."
)
_SCRIPTS = ("spans.js", "timeline.js", "charts.js", "pipeline.js", "page.js")


def write_page(
    result: "Outcome",
    path: Path,
    assumed: Sequence[Assumption] = (),
    progress: "Progress | None" = None,
) -> Path:
    """Write a result as one self-contained HTML file.

    Runs of more than `MOST_DRAWN` commands (`simulator.report.sizes`) get no timeline. The report
    then states this, and the function makes no trace.

    Args:
        result: from `simulate`.
        path: the path of the file.
        assumed: the hardware file's assumptions, from `simulator.machines.assumptions`.
        progress: called during the making of the report.

    Raises:
        InputError: the file is not writable.

    """
    if timeline_left_out(result) is None:
        make_traces(result, progress)
    text = page(result, assumed, progress)
    return write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def page(result: "Outcome", assumed: Sequence[Assumption], progress: "Progress | None") -> str:
    """Return the whole HTML report."""
    data = page_data(result, assumed, progress)
    # `<` would let a name end the script element
    embedded = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    contents = {
        "<!--TITLE-->": html.escape(f"{data['title']}: simulation report"),
        "<!--FOOTER-->": html.escape(_FOOTER),
        "/*STYLE*/": _read("style.css"),
        "/*SCRIPT*/": "\n".join(map(_read, _SCRIPTS)),
        "/*DATA*/": embedded,
    }
    # in one pass: a name may look like a mark
    marks = re.compile("|".join(map(re.escape, contents)))
    return marks.sub(lambda mark: contents[mark[0]], _read("page.html"))


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
