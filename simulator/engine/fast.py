"""The fast engine: the event engine's trace command for command, and totals without a trace.

`totals` runs a program with its loops and jumps over turns that repeat, so its cost grows with
the number of distinct phases. `run` writes out the trace. Both run `kernel.py`, interpreted for a
single run and compiled (numba) once a process has run enough for the compiler's import to pay.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from simulator.engine import kernel
from simulator.engine.instructions import Instructions, RunState, instructions_of, numbers
from simulator.loops import LoopProgram, RateColumns
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
    given = [numbers(getattr(program, name), compiled) for name in columns]
    sizes = (len(program.units), len(program), len(program))
    free, start, ready = (numbers(np.zeros(size, dtype=np.int64), compiled) for size in sizes)
    work: Callable[..., Any] = _compiled()[1] if compiled else kernel.run_commands
    work(*given, free, start, ready)
    if progress:
        progress(len(program))
    began = np.asarray(start, dtype=np.int64)
    return Trace(program=program, start=began, end=began + program.cycles)


def totals(program: LoopProgram, compiled: bool | None = None) -> Summary:
    """What `simulator.program.summarize` finds in the program's trace, without making the trace.

    Args:
        program: with its loops.
        compiled: run the kernel compiled or interpreted; as pays if not given.

    """
    compiled = _pays(0) if compiled is None else compiled
    work = _run_compiled if compiled else _run_interpreted
    layers = [instructions_of(layer) for layer in program.layers]
    run_state = RunState(program, layers, compiled)
    units, count = run_state.units, len(layers)
    ends = np.zeros(count, dtype=np.int64)
    busy = np.zeros((count, units), dtype=np.int64)
    start = 0
    for number, (layer, ages) in enumerate(zip(layers, program.room_ages, strict=True)):
        run_state.start_layer()
        work(layer, program.rate_columns, ages, run_state, start)
        start = int(run_state.state[0])
        ends[number] = start
        busy[number] = run_state.state[1 + units : 1 + 2 * units]
    return Summary(
        ends=ends,
        busy=busy,
        bytes=np.array([layer.bytes_by_unit for layer in program.layers]),
        pe_cycles=np.array([layer.pe_cycles_by_kind for layer in program.layers]),
    )


def _run_interpreted(
    layer: Instructions, rates: RateColumns, ages: Ints, run: RunState, start: int
) -> None:
    code = layer.code(rates, ages)
    _Interpreted.operations += kernel.run_layer(
        code, run.rings, run.frames, run.state, run.units, start
    )


def _run_compiled(
    layer: Instructions, rates: RateColumns, ages: Ints, run: RunState, start: int
) -> None:
    cycles, latency = layer.layer.cycles(rates), layer.layer.latency(rates)
    _compiled()[0](
        *layer.tape, cycles, latency, ages, *run.rings, *run.frames[:-1],
        run.state, run.units, start,
    )  # fmt: skip


def _pays(operations: int) -> bool:
    """Whether the compiler pays for what this process has done and is about to do."""
    _Interpreted.operations += operations
    return _Interpreted.operations >= COMPILE_FROM


@cache
def _compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The kernel's two loops, compiled."""
    from numba.extending import register_jitable

    for part in (
        kernel.run_layer, kernel.end_turn, kernel.measure, kernel.move, kernel.agrees,
    ):  # fmt: skip
        register_jitable(part)
    return _compile(kernel.run_packed), _compile(kernel.run_commands)


def _compile(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Compile; numba keeps the result on disk for the next process, if there is where."""
    import numba

    compiler: Any = numba
    try:
        kept: Callable[..., Any] = compiler.njit(cache=True)(loop)
    except RuntimeError:  # no folder can be written: for this process alone
        kept = compiler.njit(loop)
    return kept
