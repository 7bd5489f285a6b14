"""The trace in the HTML report: busy time per bin for the run, and every command, by layer.

A blob is base64 of zlib of little-endian float64 numbers, which represent every cycle exactly. The
browser inflates blobs by itself. Columns are differences. Repeated steps of a layer therefore take
few bytes.
"""

import base64
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from simulator.engine.path import stretches
from simulator.report.timeline import activity

if TYPE_CHECKING:
    from simulator.analysis.run import Run
    from simulator.base.progress import Progress

BINS = 4096
"""Time bins over a run; if a pixel is finer than a bin, the report shows single commands."""


def blob(*columns: ArrayLike) -> str:
    """Pack columns of numbers, one after the other."""
    parts = [np.asarray(column, dtype="<f8").ravel() for column in columns]
    numbers = np.concatenate(parts) if parts else np.zeros(0)  # a fused layer has no command
    return base64.b64encode(zlib.compress(numbers.tobytes(), 6)).decode()


def overview(run: "Run", units: list[int]) -> str:
    """Pack the fraction of every time bin in which each unit works."""
    edges = np.linspace(0, run.cycles, BINS + 1)
    everything = np.ones(len(run.mapping.layers), dtype=bool)
    shares = [activity(run.trace, unit, edges, everything) for unit in units]
    return blob(*(np.ceil(255 * share) / 255 for share in shares))


def path_stretches(run: "Run") -> tuple[int, str]:
    """Return the critical path: the number of stretches, with their cycles and categories."""
    category, until = stretches(run.trace, run.path)
    return len(category), blob(np.diff(until, prepend=0), category)


def layer_spans(run: "Run", progress: "Progress | None" = None) -> list[dict[str, Any]]:
    """Return every command of every layer: first start, number and packed columns per kind.

    The first column is the cycles since the end of the previous command. The others are cycles,
    step, bytes, PEs and latency, as differences from the previous command.
    """
    trace = run.trace
    layers = np.searchsorted(trace.layer, np.arange(len(trace.layers) + 1))
    found = []
    for first, upto in pairwise(layers.tolist()):
        if progress is not None:
            progress(f"HTML report, {run.title}", first, len(trace))
        found.append(_spans(run, slice(first, upto)))
    return found


def _spans(run: "Run", layer: slice) -> dict[str, Any]:
    trace = run.trace
    rows, columns = [], []
    for kind in range(len(trace.kinds)):
        chosen = layer.start + np.flatnonzero(trace.kind[layer] == kind)
        if not len(chosen):
            continue
        start, end = trace.start[chosen], trace.end[chosen]
        unit = int(trace.unit[chosen[0]])
        rows.append({"kind": trace.kinds[kind], "unit": unit, "count": len(chosen)})
        rows[-1] |= {"first": int(start[0]), "last": int(end[-1])}
        columns.append(start - np.concatenate((start[:1], end[:-1])))
        columns.append(np.diff(end - start, prepend=0))
        for values in (trace.step, trace.bytes, trace.pes, trace.latency):
            columns.append(np.diff(values[chosen], prepend=0))
    return {"rows": rows, "data": blob(*columns)}
