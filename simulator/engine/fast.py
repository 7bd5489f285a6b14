"""The fast engine: the event engine's times command for command, and totals without them.

`totals` runs a program with its loops and jumps over turns that repeat, so its cost grows with
the number of distinct phases. `totals_together` does so for programs that differ only in rates, all
at once. `run` runs a program that is written out. A single run is interpreted; once a process has
run enough for the compiler's import to pay, the work is compiled (numba, if installed).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Compiled, available, pays
from simulator.engine import kernel
from simulator.engine.instructions import instructions_of, prepared
from simulator.engine.layout import Layout, RunState
from simulator.engine.trace import Summary
from simulator.loops import KIND, LoopBody, LoopProgram, RateColumns, cycles_of
from simulator.ordered import Executed, Program


def run(
    program: Program,
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
) -> Executed:
    """Run a program to its end; see `simulator.engine.event.run`, and `totals` for `compiled`."""
    compiled = pays(len(program)) if compiled is None else compiled
    columns = ("unit", "cycles", "latency", "wait_offsets", "waits")
    given = [_numbers(getattr(program, name), compiled) for name in columns]
    sizes = (len(program.units), len(program), len(program))
    free, start, ready = (_numbers(np.zeros(size, dtype=np.int64), compiled) for size in sizes)
    work: Callable[..., Any] = _compiled_commands() if compiled else kernel.run_commands
    work(*given, free, start, ready)
    if progress:
        progress(len(program))
    began = np.asarray(start, dtype=np.int64)
    return Executed(program=program, start=began, end=began + program.cycles)


def totals(
    program: LoopProgram,
    compiled: bool | None = None,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """What `simulator.engine.trace.summarize` finds in the trace, without making one.

    Args:
        program: with its loops.
        compiled: run compiled or interpreted; as pays if not given.
        progress: called with the number of layers finished; before all of them if compiled.

    """
    if progress:
        progress(0)
    if pays(0) if compiled is None else compiled:
        return totals_together([program])[0]
    body = program.body
    layers = [instructions_of(layer) for layer in body.layers]
    reach = [max(ages) for ages in zip(*(layer.reach for layer in layers), strict=True)]
    state = RunState(Layout(body, reach, max(layer.depth for layer in layers)))
    ends, busy, start = list[int](), list[list[int]](), 0
    for layer, ages in zip(layers, body.room_ages, strict=True):
        state.start_layer()
        code = layer.code(program.rate_columns, ages)
        pays(kernel.run_layer(code, state.rings, state.frames, state.state, state.units, start))
        start = state.state[0]
        ends.append(start)
        busy.append(state.state[1 + state.units : 1 + 2 * state.units])
        if progress:
            progress(len(ends))
    return _summary(body, np.array(ends), np.array(busy))


def totals_together(programs: Sequence[LoopProgram]) -> list[Summary]:
    """`totals` of programs that differ only in names and rates; side by side if compiled.

    Raises:
        ValueError: the programs do not have the same body.

    """
    body = programs[0].body
    if not all(program.body is body for program in programs):
        raise ValueError("programs that run together have the same body")
    if not available():
        return [totals(program) for program in programs]
    work, ready, lanes = _compiled_lanes(), prepared(body), len(programs)
    layout = ready.layout
    columns = [program.rate_columns for program in programs]
    rates = RateColumns(*(np.stack(column, axis=1) for column in zip(*columns, strict=True)))
    layers, signals = len(body.layers), len(layout.size)
    numbers = np.array([layout.lasting, layout.base, layout.size, [0] * signals])
    state = np.repeat(np.array(layout.fresh())[:, None], lanes, axis=1)
    kept = np.zeros((3, layout.depth, layout.width, lanes), dtype=np.int64)
    ends = np.zeros((layers, lanes), dtype=np.int64)
    busy = np.zeros((layers, layout.units, lanes), dtype=np.int64)
    work(
        ready.codes, ready.memory, ready.order, body.ops_from, cycles_of(body.ops, rates),
        rates.latency[body.ops[:, KIND]], ready.ages_from, ready.ages, numbers[0],
        (numbers[1], numbers[2], numbers[3]), np.zeros((5, layout.depth), dtype=np.int64),
        (kept[0], kept[1], kept[2]), state, ends, busy,
    )  # fmt: skip
    return [_summary(body, ends[:, lane], busy[:, :, lane]) for lane in range(lanes)]


def _summary(body: LoopBody, ends: Ints, busy: Ints) -> Summary:
    return Summary(ends=ends, busy=busy, bytes=body.bytes_by_unit, pe_cycles=body.pe_cycles_by_kind)


def _numbers(values: Ints, as_arrays: bool) -> Any:
    """An array as compiled code takes it, or as a list, which interpreted code reads faster."""
    return values if as_arrays else values.tolist()


@cache
def _compiled_lanes() -> Compiled:
    from simulator.engine import lanes

    return Compiled(lanes.run_lanes, lanes.PARTS)


@cache
def _compiled_commands() -> Compiled:
    return Compiled(kernel.run_commands)
