"""Conversion of the times of a program's commands to its trace."""

from dataclasses import dataclass, replace

import numpy as np

from simulator.base.columns import Ints
from simulator.engine.causes import causes
from simulator.engine.trace import DramCounts, Trace
from simulator.program.written import WrittenProgram


@dataclass(slots=True)
class Times:
    """The cycles in which each of N rows started, left its unit, and had its result ready."""

    start: list[int] | Ints
    end: list[int] | Ints
    ready: list[int] | Ints

    @classmethod
    def empty(cls, rows: int) -> "Times":
        """Return empty times for `rows` rows; the engine fills them in."""
        return cls([0] * rows, [0] * rows, [0] * rows)


def trace_of(rows: WrittenProgram, times: Times, dram: DramCounts | None) -> Trace:
    """Put every row in the trace's order (layer, step, unit), and find its cause.

    Args:
        rows: the program written out.
        times: the times of its rows.
        dram: activity of a DRAM with a timing table, for its rows.

    """
    program, commands = rows.program, rows.commands
    start, end, ready = (np.array(t, dtype=np.int64) for t in (times.start, times.end, times.ready))
    found = causes(rows, start, end, ready)
    layer = np.array(program.owners)[rows.unit] if program.at_once else rows.section
    order = np.lexsort((rows.unit, rows.step, layer))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    kinds = {kind: number for number, kind in enumerate(program.kinds)}
    columns = {
        "layer": layer,
        "step": rows.step,
        "unit": rows.unit,
        "kind": rows.column([kinds[command.kind] for command in commands]),
        "start": start,
        "end": end,
        "latency": ready - end,
        "bytes": rows.column([command.bytes for command in commands]),
        "pes": rows.column([command.pes for command in commands]),
        "penalty": rows.column([command.penalty for command in commands]),
        "lost": _lost(rows, end - start),
        "channel": found.channel,
        "cause": np.where(found.row < 0, -1, place[found.row]),
    }
    return Trace(
        vocabulary=program.vocabulary,
        layers=program.names,
        **{name: values[order] for name, values in columns.items()},
        dram=None if dram is None else _ordered(dram, order, place),
    )


def _lost(rows: WrittenProgram, cycles: Ints) -> Ints:
    """[N] cycles that commands lost to writes of a buffer that they read."""
    program = rows.program
    own = rows.column([program.cycles(command) for command in rows.commands])
    lost = np.zeros(len(rows), dtype=np.int64)
    for port in program.ports:
        reads = slice(rows.rows(port.reader).start, rows.rows(port.reader).stop)
        lost[reads] = cycles[reads] - own[reads]
    return lost


def _ordered(dram: DramCounts, order: Ints, place: Ints) -> DramCounts:
    return replace(
        dram,
        activates=dram.activates[order],
        row_miss=dram.row_miss[order],
        refresh=dram.refresh[order],
        burst_command=place[dram.burst_command],
    )
