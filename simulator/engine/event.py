"""The event engine: a SimPy process per unit; the readable reference for every other engine."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import simpy

from simulator.columns import Ints
from simulator.engine.dram import DramProcess
from simulator.engine.port import PortProcess
from simulator.ordered import Executed, Program

_REPORT_EVERY = 4096


class _Run:
    """One program while it runs: which commands are ready, and who waits for which."""

    def __init__(self, program: Program, progress: Callable[[int], None] | None) -> None:
        self.env = simpy.Environment()
        self.progress = progress
        self.cycles = program.cycles.tolist()
        self.latency = program.latency.tolist()
        self.offsets = program.wait_offsets.tolist()
        self.waits = program.waits.tolist()
        self.start = [-1] * len(program)
        self.end = [-1] * len(program)
        self.ready = bytearray(len(program))
        self.awaited: dict[int, simpy.Event] = {}
        self.finished = 0
        self.ports = {port.reader: PortProcess(self.env, program, port) for port in program.ports}
        """By the unit that reads there."""
        self.dram = DramProcess(self.env, program, self._finish) if program.dram else None

    def unit(self, number: int, commands: list[int]) -> Generator[simpy.Event, Any, None]:
        """Run one unit's commands in order."""
        env, ready, offsets, waits = self.env, self.ready, self.offsets, self.waits
        port = self.ports.get(number)
        for command in commands:
            for dependency in waits[offsets[command] : offsets[command + 1]]:
                if not ready[dependency]:
                    yield self._readiness(dependency)
            self.start[command] = int(env.now)
            if self.dram is not None and self.dram.serves(command):
                yield self.dram.submit(command)
                self.end[command] = int(env.now)
                continue  # the DRAM finishes it
            if port is not None:
                yield from port.read(command, self.cycles[command])
            elif self.cycles[command]:
                yield env.timeout(self.cycles[command])
            self.end[command] = int(env.now)
            self._finish(command)

    def _readiness(self, command: int) -> simpy.Event:
        """The event that a command's result is there, made when somebody first waits for it."""
        if command not in self.awaited:
            self.awaited[command] = self.env.event()
        return self.awaited[command]

    def _finish(self, command: int) -> None:
        """Let a command's result be there after its latency."""
        if self.latency[command]:
            result = self.env.timeout(self.latency[command])
            result.callbacks.append(lambda _: self._make_ready(command))
        else:
            self._make_ready(command)
        self.finished += 1
        if self.progress and self.finished % _REPORT_EVERY == 0:
            self.progress(self.finished)

    def _make_ready(self, command: int) -> None:
        self.ready[command] = 1
        for port in self.ports.values():
            port.written(command)
        if command in self.awaited:
            self.awaited.pop(command).succeed()


def run(program: Program, progress: Callable[[int], None] | None = None) -> Executed:
    """Run a program to its end.

    Args:
        program: N commands.
        progress: called now and then with the number of commands finished.

    """
    state = _Run(program, progress)
    for unit in range(len(program.units)):
        state.env.process(state.unit(unit, np.flatnonzero(program.unit == unit).tolist()))
    state.env.run()
    if state.finished != len(program):  # Program checks its order, so this is a fault of ours
        raise AssertionError(f"{len(program) - state.finished} commands never ran")
    start, end = _ints(state.start), _ints(state.end)
    latency, counts = program.latency, None
    if state.dram is not None:
        latency = latency + np.maximum(_ints(state.dram.moved) - end, 0)
        counts = state.dram.counts()
    measured = replace(program, cycles=end - start, latency=latency)
    return Executed(program=measured, start=start, end=end, dram=counts)


def _ints(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int64)
