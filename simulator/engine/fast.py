"""The fast engine: the results of the event engine, and its trace, in less time.

`totals` runs a program with its loops and leaves out iterations that repeat. Its cost therefore
grows with the number of distinct phases. `totals_together` does the same for programs that differ
only in rates. `run` returns the trace; for omitted iterations, it notes only when commands start.
The kernel runs as machine code if an earlier process has kept it. Otherwise, the kernel runs
interpreted until compiling pays (`compiling.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from simulator.base.columns import Ints
from simulator.engine import (
    background,
    commands,
    fast_forward,
    flows,
    kernel,
    live_paths,
    lots,
    notes,
    paths,
    repeats,
    slopes,
    space,
)
from simulator.engine import layout as at
from simulator.engine.assembly import Assembled, assemble
from simulator.engine.compiling import Compiled, Memory, pays
from simulator.engine.deadlock import deadlock_of
from simulator.engine.layout import Status
from simulator.engine.machine_code import Source
from simulator.engine.rows import Times, trace_of
from simulator.engine.split import split
from simulator.engine.summary import Summary
from simulator.engine.sums import bytes_by_unit, pe_cycles_by_kind
from simulator.engine.trace import Trace
from simulator.program import Channel, Program, Shape, Unit
from simulator.program.written import write_out, written

RUN_ITERATIONS = 3
"""The fewest iterations of a loop that run before the engine leaves some out."""
MOST_LANES = 64
"""The number of programs that run together; more would need more memory."""


ONE_LANE, LANES = "run_one_lane", "run_lanes"
FORMS: Mapping[str, Mapping[str, int]] = {ONE_LANE: {"LANES": 1}, LANES: {}}
"""The compiled forms of the inner loop: name -> fields that are constants."""


class OutOfSpaceError(Exception):
    """More lots of a channel were outstanding than fit in the engine."""


def totals(
    program: Program,
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
    fast_forwarding: bool = True,
) -> Summary:
    """Return the summary of `simulator.engine.summary.summarize`, without making a trace.

    Args:
        program: a program without a DRAM table and without ports.
        progress: called with the number of finished sections; with compiled code, only with 0.
        compiled: True: run compiled; False: run interpreted; None: run whichever form pays.
        fast_forwarding: leave out iterations that repeat.

    Raises:
        ProgramError: a deadlock; the message names its units and channels.
        OutOfSpaceError: the program needs more memory than the engine has.

    """
    compiled = _serves(program) if compiled is None else compiled
    (summary,) = _totals([program], progress, compiled, fast_forwarding)
    return summary


def totals_together(programs: Sequence[Program]) -> list[Summary]:
    """`totals` of programs that differ only in names and rates.

    Raises:
        ValueError: the programs differ in more than that.

    """
    if len({program.shape for program in programs}) > 1:
        raise ValueError("programs that run together differ only in rates")
    if not _kernel(LANES).serves():
        return _one_by_one(programs)
    summaries: list[Summary] = []
    for first in range(0, len(programs), MOST_LANES):
        lanes = programs[first : first + MOST_LANES]
        summaries += _totals(lanes, None, True, True)
    return summaries


def _one_by_one(programs: Sequence[Program]) -> list[Summary]:
    """Run programs without the form for lanes; what they run counts for making it."""
    compiled = _kernel(ONE_LANE).serves()
    summaries = [totals(program, compiled=compiled) for program in programs]
    if compiled:  # an interpreted run counts its commands
        pays(sum(summary.ran for summary in summaries))
    return summaries


def totals_and_ends(
    program: Program,
    units: Sequence[Unit],
    progress: Callable[[int], None] | None = None,
    *,
    compiled: bool | None = None,
    fast_forwarding: bool = True,
) -> tuple[Summary, list[Ints]]:
    """Return the totals of a program of one section, and the ends of some units' commands.

    Args:
        program: as in `totals`.
        units: the units whose commands are of interest.
        progress: as in `totals`.
        compiled: as in `totals`.
        fast_forwarding: as in `totals`.

    Returns:
        The summary and, for each of `units`, [commands] the cycle from which the result of each of
        its commands can be used.

    Raises:
        ProgramError: a deadlock; the message names its units and channels.
        OutOfSpaceError: the program needs more memory than the engine has.

    """
    (section,) = program.sections
    bodies = [written(section.bodies[unit]) for unit in units]
    sizes = {unit: len(one.index) for unit, one in zip(units, bodies, strict=True)}
    compiled = _serves(program) if compiled is None else compiled
    state = _State([program], compiled, fast_forwarding=fast_forwarding, noted=sizes)
    state.run(progress)
    starts = np.asarray(state.starts(), dtype=np.int64)
    (summary,) = state.summaries()
    ends, first = [], 0
    for one, size in zip(bodies, sizes.values(), strict=True):
        lasts = [program.cycles(each) + program.latency(each) for each in one.commands]
        ends.append(starts[first : first + size] + np.array(lasts, dtype=np.int64)[one.index])
        first += size
    return summary, ends


def _totals(
    programs: Sequence[Program],
    progress: Callable[[int], None] | None,
    compiled: bool,
    fast_forwarding: bool,
) -> list[Summary]:
    state = _State(programs, compiled, fast_forwarding=fast_forwarding)
    state.run(progress)
    if state.memory[at.AHEAD]:  # run again with the known ends of sections
        state = _State(programs, compiled, fast_forwarding=fast_forwarding, ends=state.ends())
        state.run(progress)
    return state.summaries()


def run(program: Program, *, compiled: bool | None = None, fast_forwarding: bool = True) -> Trace:
    """Run a program to its end; see `simulator.engine.event.run`.

    Args:
        program: a program without a DRAM table and without ports.
        compiled: True: run compiled; False: run interpreted; None: run whichever form pays.
        fast_forwarding: leave out iterations that repeat.

    """
    rows = write_out(program)
    compiled = _serves(program) if compiled is None else compiled
    sizes = dict(zip(program.units, np.diff(rows.first).tolist(), strict=True))
    state = _State([program], compiled, fast_forwarding=fast_forwarding, noted=sizes)
    state.run(None)
    start = np.asarray(state.starts(), dtype=np.int64)
    end = start + rows.column([program.cycles(command) for command in rows.commands])
    ready = end + rows.column([program.latency(command) for command in rows.commands])
    return trace_of(rows, Times(start, end, ready), None)


def _serves(program: Program) -> bool:
    """True if a single run of a program runs compiled."""

    def ahead() -> int:
        """Return about how many commands run: a skip needs some iterations of an outer loop.

        A program of several sections counts its commands after each of them, which is exact.
        """
        if len(program.sections) > 1:
            return 0
        return sum(section.first_commands(RUN_ITERATIONS) for section in program.sections)

    return _kernel(ONE_LANE).serves(ahead)


def compile_ahead(form: str) -> bool:
    """Compile a form of the inner loop for later processes; False: no folder can keep it."""
    return _kernel(form).keep()


class _State:
    """The memory of one run, and its contents at the end: L lanes."""

    def __init__(
        self,
        programs: Sequence[Program],
        compiled: bool,
        *,
        fast_forwarding: bool,
        ends: Ints | None = None,
        noted: Mapping[Unit, int] = MappingProxyType({}),
    ) -> None:
        """Write programs into memory.

        Args:
            programs: the programs to run, one in each lane; they differ only in names and rates.
            compiled: run them compiled.
            fast_forwarding: leave out iterations that repeat.
            ends: [sections, L] known cycles in which sections end, if any.
            noted: the units whose starts the run notes, in order, each with its number of commands.

        """
        self.programs, self.program, self.compiled = programs, programs[0], compiled
        self.fast_forwarding, self.known, self.noted = fast_forwarding, ends, noted

    def run(self, progress: Callable[[int], None] | None) -> None:
        """Run the program; a channel without enough space gets more."""
        shape, lanes = self.program.shape, len(self.programs)
        sizes = space.space_of(shape, self.compiled)
        while True:
            self._begin(_assembled(shape, tuple(sizes.lots.values()), sizes.nodes, lanes))
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
            if sizes.lots[channel] >= space.MOST_SPACE:
                raise OutOfSpaceError(
                    f"more than {space.MOST_SPACE:,} lots of {channel.name} are outstanding"
                )
            sizes.grow(channel, shape)

    def _begin(self, assembled: Assembled) -> None:
        self.assembled = assembled
        starts = sum(self.noted.values())
        length = assembled.size + 2 * starts
        m: Any = np.zeros(length, dtype=np.int64) if self.compiled else [0] * length
        m[: len(assembled.memory)] = (
            assembled.memory if self.compiled else assembled.memory.tolist()
        )
        self.memory: Memory = m
        size, lanes = m[at.LOT_SIZE], len(self.programs)
        for first, behind in assembled.rings:
            m[first:behind:size] = [at.NEVER] * ((behind - first) // size)
        for lot, tokens in assembled.first_lots.items():
            m[lot + at.LOT], m[lot + at.BEHIND] = 0, tokens
            causes = lot + at.TIME + at.CAUSE * lanes
            m[causes : causes + lanes] = [at.NEVER] * lanes
        self._set_rates()
        m[at.FAST_FORWARDING] = int(self.fast_forwarding)
        if self.known is not None:
            m[at.KNOWN] = 1
            for number, ends in enumerate(self.known[:-1].tolist(), 1):
                floor = m[at.SECTIONS] + number * m[at.SECTION_SIZE] + at.FLOOR
                m[floor : floor + len(ends)] = ends
        if self.noted:
            m[at.STARTS], m[at.SLOPES] = assembled.size, starts
            address = {unit: place for place, unit in assembled.units.items()}
            row = assembled.size
            for unit, commands in self.noted.items():
                m[address[unit] + at.ROWS] = row
                row += commands

    def _set_rates(self) -> None:
        """Write the cycles and latencies of commands that move bytes."""
        m, lanes = self.memory, len(self.programs)
        costs: dict[tuple[str, int], list[int]] = {}
        for place, command in self.assembled.rated.items():
            assert command.kind.rate is not None
            moved = command.kind.rate, command.bytes
            if moved not in costs:
                rates = [program.rates[command.kind.rate] for program in self.programs]
                latencies = [rate.latency for rate in rates]
                costs[moved] = [rate.cycles(command.bytes) for rate in rates] + latencies
            first = place + at.CYCLES
            m[first : first + 2 * lanes] = costs[moved]
            for lane in range(lanes if command.cycles else 0):
                m[first + lane] += command.cycles

    def _run(self, progress: Callable[[int], None] | None) -> None:
        sections = len(self.program.sections)
        if progress:
            progress(0)
        if self.compiled:
            form = ONE_LANE if len(self.programs) == 1 else LANES
            _kernel(form)(self.memory, 0, sections)
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
        """Return the units of a circle, and the channel that each waits for."""
        m = self.memory
        return [
            (
                self.assembled.units[m[call + at.CALLED]],
                self.assembled.channels[m[call + at.LACKS_CHANNEL]],
            )
            for call in range(m[at.STACK], m[at.STACK_TOP] + 1, at.CALL_SIZE)
        ]

    def sections(self) -> Ints:
        """[sections, SECTION_SIZE] results of the sections."""
        m = self.memory
        table = np.asarray(m[m[at.SECTIONS] : m[at.SECTIONS_END]], dtype=np.int64)
        return table.reshape(-1, m[at.SECTION_SIZE])

    def ends(self) -> Ints:
        """[sections, L] cycle in which the last result of a section and of all before is ready."""
        first = at.FLOOR + at.END * len(self.programs)
        ends = self.sections()[:, first : first + len(self.programs)]
        return np.maximum.accumulate(ends)

    def last_ends(self) -> Ints:
        """[units, L] cycle in which the last command of each unit ends; 0 without commands."""
        m, lanes = self.memory, len(self.programs)
        free = [m[unit + at.FREE : unit + at.FREE + lanes] for unit in self.assembled.units]
        return np.asarray(free, dtype=np.int64)

    def starts(self) -> Memory:
        """[noted commands] cycle in which each noted command started."""
        first = self.memory[at.STARTS]
        return self.memory[first : first + self.memory[at.SLOPES]]

    def summaries(self) -> list[Summary]:
        """Return the results of the run, layer by layer, for each lane."""
        m, table, lanes = self.memory, self.sections(), len(self.programs)
        first = at.FLOOR + at.VECTOR * lanes
        shares = first + m[at.WIDTH] * lanes
        spent = table[:, first:shares].reshape(len(table), m[at.WIDTH], lanes)
        counted = table[:, shares:].reshape(len(table), -1, m[at.SHARE_SIZE])[:, :, at.BUSY :]
        counted = counted.reshape(*counted.shape[:2], -1, lanes)
        ends, last_ends = self.ends(), self.last_ends()
        cycles = np.diff(ends, prepend=0, axis=0)
        moved, worked = bytes_by_unit(self.program), pe_cycles_by_kind(self.programs)
        by_section = [
            Summary(
                starts=ends[:, lane] - cycles[:, lane],
                ends=ends[:, lane],
                layer_cycles=cycles[:, lane],
                busy=counted[:, :, 0, lane],
                bytes=moved,
                pe_cycles=worked[lane],
                spent=np.where(cycles[:, lane, None] > 0, spent[:, :, lane], 0),
                waits=counted[:, :, at.WAITS :, lane],
                lost=np.zeros(counted.shape[:2], dtype=np.int64),  # no program here has a port
                first_starts=counted[:, :, at.FIRST_START, lane].sum(axis=0),
                last_ends=last_ends[:, lane],
                ran=int(m[at.RAN]),
            )
            for lane in range(lanes)
        ]
        if not self.program.at_once:
            return by_section
        return [split(*pair) for pair in zip(self.programs, by_section, strict=True)]


@lru_cache(maxsize=32)
def _assembled(shape: Shape, lots: tuple[int, ...], nodes: int, lanes: int) -> Assembled:
    channels = (channel for channel, _ in shape.channels)
    return assemble(shape, dict(zip(channels, lots, strict=True)), nodes, lanes)


@cache
def _kernel(form: str) -> Compiled:
    modules = (
        at, lots, slopes, notes, flows, paths, live_paths, fast_forward, commands, repeats, kernel,
    )  # fmt: skip
    instead = {lots.copy: lots.copy_one_by_one}
    source = Source(kernel.run_sections, modules, instead, form, FORMS[form])
    return Compiled(source, partial(background.start, form))
