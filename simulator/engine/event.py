"""The event engine: a SimPy process per unit; the readable reference for every other engine."""

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import simpy

from simulator.engine.channels import Lot, Tokens
from simulator.engine.deadlock import Wait, deadlock
from simulator.engine.dram import DramServer
from simulator.engine.port import PortServer
from simulator.engine.rows import Times, trace_of
from simulator.engine.trace import Trace
from simulator.program import Amount, Channel, Program, Unit
from simulator.program.written import WrittenProgram, write_out

_REPORT_EVERY = 4096


def run(program: Program, progress: Callable[[int], None] | None = None) -> Trace:
    """Run a program to its end.

    Args:
        program: N commands.
        progress: called from time to time with the number of commands finished.

    Raises:
        ProgramError: a deadlock; the message names its units and channels.

    """
    state = _Run(write_out(program), progress)
    for unit in program.units:
        state.env.process(state.unit(unit))
    state.env.run()
    if state.waits:
        raise deadlock(program, state.waits)
    return trace_of(state.rows, state.times, state.dram.counts() if state.dram else None)


class _Run:
    """One program while it runs."""

    def __init__(self, rows: WrittenProgram, progress: Callable[[int], None] | None) -> None:
        program = rows.program
        self.env = simpy.Environment()
        self.rows = rows
        self.progress = progress
        self.index = rows.index.tolist()
        self.section = rows.section.tolist()
        self.cycles = [program.cycles(command) for command in rows.commands]
        self.latency = [program.latency(command) for command in rows.commands]
        self.times = Times.empty(len(rows))
        self.finished = 0
        tokens = {channel: Tokens(self.env, program, channel) for channel in program.channels}
        self.takes = [_amounts(command.takes, tokens) for command in rows.commands]
        self.begins = [_amounts(command.begins, tokens) for command in rows.commands]
        self.gives = [_amounts(command.gives, tokens) for command in rows.commands]
        self.waits: dict[Unit, Wait] = {}
        """The missing tokens of each waiting unit."""
        self.promised: dict[int, list[tuple[Tokens, Lot]]] = {}
        """Rows that have started -> the tokens that they give when their results are ready."""
        self.dram = DramServer(self.env, program.dram, rows, self._finish) if program.dram else None
        self.ports = [PortServer(self.env, port, rows) for port in program.ports]

    def unit(self, unit: Unit) -> Generator[simpy.Event, Any, None]:
        """Run one unit's commands in order."""
        port = next((port for port in self.ports if port.reader is unit), None)
        for row in self.rows.rows(unit):
            command = self.index[row]
            for tokens, amount in self.takes[command]:
                lot = tokens.to_take(self.section[row], amount)
                if not tokens.has(lot):
                    self.waits[unit] = Wait(tokens, lot)
                    yield tokens.wait_for(lot)
                    del self.waits[unit]
            self._start(row)
            if self.dram is not None and self.dram.serves(row):
                yield self.dram.submit(row)  # which finishes it
            else:
                if port is not None:
                    yield from port.read(row, self.cycles[command])
                elif self.cycles[command]:
                    yield self.env.timeout(self.cycles[command])
                self._finish(row)
            self.times.end[row] = int(self.env.now)

    def _start(self, row: int) -> None:
        """Note a command's start, give its start tokens, and number its later tokens."""
        command, section = self.index[row], self.section[row]
        self.times.start[row] = int(self.env.now)
        for tokens, amount in self.begins[command]:
            tokens.give(tokens.to_give(section, amount))
        self.promised[row] = [
            (tokens, tokens.to_give(section, amount)) for tokens, amount in self.gives[command]
        ]

    def _finish(self, row: int) -> None:
        """Make a command's result ready after its latency."""
        latency = self.latency[self.index[row]]
        if latency:
            self.env.timeout(latency).callbacks.append(lambda _: self._make_ready(row))
        else:
            self._make_ready(row)
        self.finished += 1
        if self.progress and self.finished % _REPORT_EVERY == 0:
            self.progress(self.finished)

    def _make_ready(self, row: int) -> None:
        """Give a command's tokens; a port writes its result."""
        self.times.ready[row] = int(self.env.now)
        for port in self.ports:
            port.write(row)
        for tokens, lot in self.promised.pop(row):
            tokens.give(lot)


def _amounts(
    amounts: Iterable[Amount], tokens: Mapping[Channel, Tokens]
) -> list[tuple[Tokens, int]]:
    return [(tokens[channel], amount) for channel, amount in amounts]
