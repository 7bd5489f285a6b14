"""A result in a notebook: a table and a timeline, in one HTML fragment."""

import base64
import html
from io import BytesIO
from typing import TYPE_CHECKING

from simulator.analysis.title import closing, title

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome

_DPI = 110
_HEADER = ("layer", "cycles", "\u00b5s", "baseline \u00b5s", "speedup", "PE util. %", "bound by")


def as_html(result: "Outcome") -> str:
    """Return the speedup as a sentence, the layers as a table, the timeline as an inline PNG."""
    speedup, times = closing(result)
    said = f"{html.escape(title(result))}: <b>{speedup}</b>, {times}"
    rows = [
        (
            row["layer"],
            f"{row['cycles']:,}",
            f"{row['time_us']:,.2f}",
            f"{row['baseline_time_us']:,.2f}",
            f"{row['speedup']:.2f}x",
            f"{100 * row['utilization']:.1f}",
            row["bound_by"],
        )
        for row in result.layer_rows()
    ]
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(f"<th>{name}</th>" for name in _HEADER)
    picture = base64.b64encode(_timeline(result)).decode()
    return (
        f"<p>{said}</p>"
        f'<img alt="Timelines of both runs" src="data:image/png;base64,{picture}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(words: str) -> str:
    return f"<td>{html.escape(words)}</td>"


def _timeline(result: "Outcome") -> bytes:
    from simulator.report.timeline import plot_timeline

    buffer = BytesIO()
    plot_timeline(result).savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
