"""The fast engine: the figures of the event engine without its trace.

`totals` runs a program with its loops and leaves out turns that repeat, so its cost grows with the
number of distinct phases. `totals_together` does so for programs that differ only in rates. `run`
leaves nothing out and returns the trace. The kernel runs as machine code if an earlier process has
kept it; otherwise it is interpreted until compiling pays (`simulator.compiling`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from simulator.columns import Ints
from simulator.compiling import Compiled, Memory, pays
from simulator.engine import commands, jumps, kernel, lots, notes, paths, repeats, slopes
from simulator.engine import layout as at
from simulator.engine.assembly import Assembled, assemble
from simulator.engine.deadlock import deadlock_of
from simulator.engine.layout import Status
from simulator.engine.rows import Times, trace_of
from simulator.engine.summary import Summary
from simulator.engine.sums import bytes_by_unit, pe_cycles_by_kind
from simulator.engine.trace import Trace
from simulator.machine_code import Source
from simulator.program import Channel, Program, Shape, Unit
from simulator.program.written import write_out

FIRST_NODES = 1 << 13
"""Commands of a section, as far as they are run, that there is space for at first."""
FIRST_SPACE = 32
"""Lots of a channel that there is space for at first; it grows where that is too little."""
FIRST_SPACE_OF_MANY = 512
"""The same for a channel that starts with as many tokens, such as the bytes of a buffer."""
MOST_SPACE = 1 << 22


class OutOfSpaceError(Exception):
    """More lots of a channel were outstanding than the engine has space for."""


def totals(
    program: Program,
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
    jumping: bool = True,
) -> Summary:
    """What `simulator.engine.trace.summarize` finds in the trace, without making one.

    Args:
        program: without a DRAM table and without ports.
        progress: called with the number of sections finished; before all of them if compiled.
        compiled: run compiled or interpreted; as pays if not given.
        jumping: leave out turns that repeat.

    Raises:
        ProgramError: a deadlock; the message names its units and channels.
        OutOfSpaceError: the program needs more memory than the engine has.

    """
    compiled = _kernel().serves() if compiled is None else compiled
    state = _State(program, compiled, jumping=jumping)
    state.run(progress)
    if state.memory[at.AHEAD]:  # run again, with the ends of sections known
        ends = state.sections()[:, at.END]
        state = _State(program, compiled, jumping=jumping, ends=ends.tolist())
        state.run(progress)
    return state.summary()


def totals_together(programs: Sequence[Program]) -> list[Summary]:
    """`totals` of programs that differ only in names and rates.

    Raises:
        ValueError: the programs differ in more.

    """
    if len({program.shape for program in programs}) > 1:
        raise ValueError("programs that run together differ only in rates")
    return [totals(program) for program in programs]


def run(
    program: Program,
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
) -> Trace:
    """Run a program to its end, command by command; see `simulator.engine.event.run`."""
    rows = write_out(program)
    compiled = _kernel().serves(len(rows)) if compiled is None else compiled
    state = _State(program, compiled, jumping=False, rows=rows.first.tolist())
    state.run(None)
    if progress:
        progress(len(rows))
    start = np.asarray(state.starts(len(rows)), dtype=np.int64)
    end = start + rows.column([program.cycles(command) for command in rows.commands])
    ready = end + rows.column([program.latency(command) for command in rows.commands])
    return trace_of(rows, Times(start, end, ready), None)


def compile_ahead() -> bool:
    """Compile the kernel for later processes; False: there is no folder to keep it in."""
    return _kernel().keep()


class _State:
    """The memory of one run, and what is in it at the end."""

    def __init__(
        self,
        program: Program,
        compiled: bool,
        *,
        jumping: bool,
        ends: Sequence[int] = (),
        rows: Sequence[int] = (),
    ) -> None:
        """Write a program into memory.

        Args:
            program: to run.
            compiled: run it compiled.
            jumping: leave out turns that repeat.
            ends: cycles in which sections end, if they are known.
            rows: the first row of each unit, and how many there are, if starts are to be noted.

        """
        self.program, self.compiled = program, compiled
        self.jumping, self.ends, self.rows = jumping, ends, rows

    def run(self, progress: Callable[[int], None] | None) -> None:
        """Run the program; channels that turn out to be too small get more space."""
        sizes = _sizes(self.program.shape)
        space = sizes.lots
        while True:
            self._begin(_assembled(self.program.shape, tuple(space.values()), sizes.nodes))
            self._run(progress)
            status = self.memory[at.STATUS]
            if status == Status.DONE:
                return
            if status == Status.DEADLOCK:
                raise deadlock_of(self._waits(), self.program.units)
            if self.memory[at.LACKING] == at.NONE:
                sizes.nodes *= 4
                continue
            channel = self.assembled.channels[self.memory[at.LACKING]]
            if space[channel] >= MOST_SPACE:
                raise OutOfSpaceError(
                    f"more than {MOST_SPACE:,} lots of {channel.name} are outstanding"
                )
            space[channel] *= 4

    def _begin(self, assembled: Assembled) -> None:
        self.assembled, program = assembled, self.program
        m: Any = assembled.memory.copy() if self.compiled else assembled.memory.tolist()
        for place, command in assembled.rated.items():
            m[place + at.CYCLES] = program.cycles(command)
            m[place + at.LATENCY] = program.latency(command)
        m[at.JUMPING] = int(self.jumping)
        if self.ends:
            m[at.KNOWN] = 1
            for number, end in enumerate(np.maximum.accumulate(self.ends)[:-1].tolist(), 1):
                m[m[at.SECTIONS] + number * m[at.SECTION_SIZE] + at.FLOOR] = end
        if self.rows:
            m[at.STARTS] = len(m)
            for unit, first in zip(assembled.units, self.rows, strict=False):
                m[unit + at.ROWS] = m[at.STARTS] + first
            starts = np.zeros(self.rows[-1], dtype=np.int64)
            m = np.concatenate((m, starts)) if self.compiled else m + starts.tolist()
        self.memory: Memory = m

    def _run(self, progress: Callable[[int], None] | None) -> None:
        sections = len(self.program.sections)
        if progress:
            progress(0)
        if self.compiled:
            _kernel()(self.memory, 0, sections)
            return
        for number in range(sections):
            before = self.memory[at.RAN]
            kernel.run_sections(self.memory, number, number + 1)
            pays(self.memory[at.RAN] - before)
            if self.memory[at.STATUS] != Status.DONE:
                return
            if progress:
                progress(number + 1)

    def _waits(self) -> list[tuple[Unit, Channel]]:
        """Return the units of a circle, and what each waits for."""
        m = self.memory
        return [
            (
                self.assembled.units[m[call + at.CALLED]],
                self.assembled.channels[m[call + at.LACKS_CHANNEL]],
            )
            for call in range(m[at.STACK], m[at.STACK_TOP] + 1, at.CALL_SIZE)
        ]

    def sections(self) -> Ints:
        """[sections, SECTION_SIZE] what the sections came to."""
        m = self.memory
        table = np.asarray(m[m[at.SECTIONS] : m[at.SECTIONS_END]], dtype=np.int64)
        return table.reshape(-1, m[at.SECTION_SIZE])

    def starts(self, rows: int) -> Memory:
        """[rows] cycle in which each command started."""
        first = self.memory[at.STARTS]
        return self.memory[first : first + rows]

    def summary(self) -> Summary:
        """What the run comes to, section by section."""
        m, table = self.memory, self.sections()
        first = at.VECTOR + m[at.WIDTH]
        shares = table[:, first:].reshape(len(table), -1, m[at.SHARE_SIZE])
        ends = np.maximum.accumulate(table[:, at.END])
        raised = np.diff(ends, prepend=0) > 0
        return Summary(
            ends=ends,
            busy=shares[:, :, at.BUSY],
            bytes=bytes_by_unit(self.program),
            pe_cycles=pe_cycles_by_kind(self.program),
            spent=np.where(raised[:, None], table[:, at.VECTOR : first], 0),
            waits=shares[:, :, at.WAITS :],
            lost=np.zeros(shares.shape[:2], dtype=np.int64),  # no program here has a port
        )


@lru_cache(maxsize=32)
def _assembled(shape: Shape, lots: tuple[int, ...], nodes: int) -> Assembled:
    channels = (channel for channel, _ in shape.channels)
    return assemble(shape, dict(zip(channels, lots, strict=True)), nodes)


@dataclass
class _Sizes:
    """What there is space for in the memory of programs of one shape; it grows."""

    lots: dict[Channel, int]
    nodes: int


@lru_cache(maxsize=256)
def _sizes(shape: Shape) -> _Sizes:
    lots = {
        channel: FIRST_SPACE if start < FIRST_SPACE else FIRST_SPACE_OF_MANY
        for channel, start in shape.channels
    }
    return _Sizes(lots, FIRST_NODES)


@cache
def _kernel() -> Compiled:
    modules = (at, lots, slopes, notes, paths, jumps, commands, repeats, kernel)
    return Compiled(Source(kernel.run_sections, modules, {lots.copy: lots.copy_one_by_one}))
