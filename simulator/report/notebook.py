"""A result in a notebook: a table and a timeline, in one HTML fragment."""

import base64
import html
from io import BytesIO
from typing import TYPE_CHECKING

from simulator.analysis.title import closing, title
from simulator.base.figures import figure_settings
from simulator.report.performance import throughput_line

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome

_DPI = 110
_COLUMNS = {
    "layer": ("layer", "{}"),
    "cycles": ("cycles", "{:,}"),
    "time_us": ("\u00b5s", "{:,.2f}"),
    "baseline_time_us": ("baseline \u00b5s", "{:,.2f}"),
    "speedup": ("speedup", "{:.2f}x"),
    "percent": ("PE util. %", "{:.1f}"),
    "bound_by": ("bound by", "{}"),
}
"""Title and form of each column; those of the baseline are shown if there is one."""


def as_html(result: "Outcome") -> str:
    """The speedup or the time in a sentence, the layers as a table, the timeline as a PNG."""
    speedup, times = closing(result)
    rates = html.escape(throughput_line(result))
    said = f"{html.escape(title(result))}: <b>{speedup}</b>, {times}; {rates}"
    rows = [{**row, "percent": 100 * row["utilization"]} for row in result.layer_rows()]
    columns = {key: column for key, column in _COLUMNS.items() if key in rows[0]}
    cells = [[_text(row[key], form) for key, (_, form) in columns.items()] for row in rows]
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in cells)
    head = "".join(f"<th>{name}</th>" for name, _ in columns.values())
    runs = "both runs" if result.baseline else "the run"
    picture = base64.b64encode(_timeline(result)).decode()
    return (
        f"<p>{said}</p>"
        f'<img alt="Timelines of {runs}" src="data:image/png;base64,{picture}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _text(value: object, form: str) -> str:
    """The value in a form; nothing for the speedup of a fused layer, which takes no time."""
    return "" if value is None else form.format(value)


def _cell(words: str) -> str:
    return f"<td>{html.escape(words)}</td>"


def _timeline(result: "Outcome") -> bytes:
    from simulator.report.timeline import plot_timeline

    buffer = BytesIO()
    figure = plot_timeline(result)
    with figure_settings({}):
        figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
