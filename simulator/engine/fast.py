"""The fast engine: the event engine's trace command for command, and totals without a trace.

`totals` runs a program with its loops and jumps over turns that repeat, so its cost grows with
the number of distinct phases. `totals_together` does so for programs that differ only in rates, all
at once. `run` writes out the trace. A single run is interpreted; once a process has run enough for
the compiler's import to pay, the work is compiled (numba).
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from simulator.engine import kernel
from simulator.engine.instructions import Instructions, Layout, RunState, instructions_of
from simulator.engine.kernel import NEVER
from simulator.loops import LoopProgram
from simulator.program import Ints, Program, Summary, Trace

COMPILE_FROM = 250_000
"""Operations interpreted in a process after which the kernel is compiled: some 0.5 s of work."""


class _Interpreted:
    """Work that this process has done without the compiler."""

    operations = 0


def run(
    program: Program,
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
) -> Trace:
    """Run a program to its end; see `simulator.engine.event.run`, and `totals` for `compiled`."""
    compiled = _pays(len(program)) if compiled is None else compiled
    columns = ("unit", "cycles", "latency", "wait_offsets", "waits")
    given = [_numbers(getattr(program, name), compiled) for name in columns]
    sizes = (len(program.units), len(program), len(program))
    free, start, ready = (_numbers(np.zeros(size, dtype=np.int64), compiled) for size in sizes)
    work: Callable[..., Any] = _compiled_commands() if compiled else kernel.run_commands
    work(*given, free, start, ready)
    if progress:
        progress(len(program))
    began = np.asarray(start, dtype=np.int64)
    return Trace(program=program, start=began, end=began + program.cycles)


def totals(program: LoopProgram, compiled: bool | None = None) -> Summary:
    """What `simulator.program.summarize` finds in the program's trace, without making the trace.

    Args:
        program: with its loops.
        compiled: run compiled or interpreted; as pays if not given.

    """
    if _pays(0) if compiled is None else compiled:
        return totals_together([program])[0]
    layers = [instructions_of(layer) for layer in program.layers]
    state = RunState(Layout(program, layers))
    ends = np.zeros((len(layers), 1), dtype=np.int64)
    busy = np.zeros((len(layers), state.units, 1), dtype=np.int64)
    start = 0
    for number, (layer, ages) in enumerate(zip(layers, program.room_ages, strict=True)):
        state.start_layer()
        code = layer.code(program.rate_columns, ages)
        _Interpreted.operations += kernel.run_layer(
            code, state.rings, state.frames, state.state, state.units, start
        )
        start = ends[number, 0] = state.state[0]
        busy[number, :, 0] = state.state[1 + state.units : 1 + 2 * state.units]
    return _summaries(program, ends, busy)[0]


def totals_together(programs: Sequence[LoopProgram]) -> list[Summary]:
    """`totals` of programs that share their layers and differ only in rates, compiled.

    Raises:
        ValueError: the programs do not share their layers.

    """
    first = programs[0]
    if not all(shares_layers(program, first) for program in programs):
        raise ValueError("programs that run together have the same layers")
    layers = [instructions_of(layer) for layer in first.layers]
    layout, lanes = Layout(first, layers), len(programs)
    state = np.repeat(layout.fresh()[:, None], lanes, axis=1)
    head = np.zeros(len(layout.size), dtype=np.int64)
    stack = np.zeros((5, layout.depth), dtype=np.int64)
    before, shift, posted = (
        np.zeros((layout.depth, layout.width, lanes), dtype=np.int64) for _ in range(3)
    )
    columns = [program.rate_columns for program in programs]
    rates = [np.stack(column, axis=1) for column in zip(*columns, strict=True)]
    ends = np.zeros((len(layers), lanes), dtype=np.int64)
    busy = np.zeros((len(layers), layout.units, lanes), dtype=np.int64)
    start, work = np.zeros(lanes, dtype=np.int64), _compiled_lanes()
    for number, (layer, ages) in enumerate(zip(layers, first.room_ages, strict=True)):
        state[0] = 0
        state[1 + layout.units : 1 + 2 * layout.units] = 0
        state[layout.forgotten] = NEVER
        work(
            *layer.tape, *_times(layer, *rates), ages, layout.base, layout.size, head, layout.room,
            stack, before, shift, posted, state, layout.units, start,
        )  # fmt: skip
        ends[number] = start = state[0].copy()
        busy[number] = state[1 + layout.units : 1 + 2 * layout.units]
    return _summaries(first, ends, busy)


def shares_layers(one: LoopProgram, other: LoopProgram) -> bool:
    """Whether two programs differ in nothing but their rates."""
    pairs = zip(one.layers + one.room_ages, other.layers + other.room_ages, strict=False)
    return len(one.layers) == len(other.layers) and all(mine is theirs for mine, theirs in pairs)


def _times(
    layer: Instructions, numerator: Ints, denominator: Ints, latency: Ints
) -> tuple[Ints, Ints]:
    """[ops, lanes] cycles and latencies; rates are [kinds, lanes]."""
    ops = layer.layer.columns
    moved = -(-ops.bytes[:, None] * denominator[ops.kind] // numerator[ops.kind])
    return ops.cycles[:, None] + moved, latency[ops.kind]


def _summaries(program: LoopProgram, ends: Ints, busy: Ints) -> list[Summary]:
    """One summary per lane; bytes and work are the program's own."""
    bytes_ = np.array([layer.bytes_by_unit for layer in program.layers])
    pe_cycles = np.array([layer.pe_cycles_by_kind for layer in program.layers])
    return [
        Summary(ends=ends[:, lane], busy=busy[:, :, lane], bytes=bytes_, pe_cycles=pe_cycles)
        for lane in range(ends.shape[1])
    ]


def _numbers(values: Ints, as_arrays: bool) -> Any:
    """An array as compiled code takes it, or as a list, which interpreted code reads faster."""
    return values if as_arrays else values.tolist()


def _pays(operations: int) -> bool:
    """Whether the compiler pays for what this process has done and is about to do."""
    _Interpreted.operations += operations
    return _Interpreted.operations >= COMPILE_FROM


@cache
def _compiled_lanes() -> Callable[..., Any]:
    from numba.extending import register_jitable

    from simulator.engine import lanes

    for part in lanes.PARTS:
        register_jitable(part)
    return _compile(lanes.run_lanes)


@cache
def _compiled_commands() -> Callable[..., Any]:
    return _compile(kernel.run_commands)


def _compile(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Compile; numba keeps the result on disk for the next process, if there is where."""
    import numba

    compiler: Any = numba
    try:
        kept: Callable[..., Any] = compiler.njit(cache=True)(loop)
    except RuntimeError:  # no folder can be written: for this process alone
        kept = compiler.njit(loop)
    return kept
