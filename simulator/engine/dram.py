"""The DRAM in the event engine: commands of its units end when the model says so."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import simpy

from simulator.dram import DramSystem
from simulator.dram.system import Handed, Moved
from simulator.engine.trace import DramCounts
from simulator.ordered import Program

_NEVER = 1 << 62


class DramProcess:
    """Wakes when the model has something to do, and passes on what it finished."""

    def __init__(
        self, env: simpy.Environment, program: Program, finish: Callable[[int], None]
    ) -> None:
        """Make the DRAM of a program that has one.

        Args:
            env: where the program runs.
            program: the program.
            finish: called with a command when its last data has moved.

        """
        dram = program.dram
        if dram is None:
            raise ValueError("the program has no DRAM")
        self.env = env
        self.finish = finish
        self.system = DramSystem(dram.timing, (dram.gap,) * len(dram.units))
        self.moved = [0] * len(program)
        """Cycle in which each command's last data has moved."""
        self._done: dict[int, Moved] = {}
        stream = np.full(len(program.units), -1)
        stream[list(dram.units)] = range(len(dram.units))
        self._stream_of = stream[program.unit].tolist()
        self._writes = dram.writes
        self._address, self._bytes = dram.address.tolist(), program.bytes.tolist()
        self._free: dict[int, simpy.Event] = {}
        self._wakes_at = _NEVER

    def serves(self, command: int) -> bool:
        """Whether a command's time is the DRAM's to say."""
        return bool(self._stream_of[command] >= 0 and self._bytes[command])

    def submit(self, command: int) -> simpy.Event:
        """Start a command's transfer; the event comes when its unit is free again."""
        stream = self._stream_of[command]
        self.system.submit(
            stream,
            command,
            address=self._address[command],
            size=self._bytes[command],
            write=self._writes[stream],
            cycle=int(self.env.now),
        )
        self._free[command] = self.env.event()
        self._set_alarm()
        return self._free[command]

    def counts(self) -> DramCounts:
        """What was done for each command, and when each burst moved."""
        commands = list(self._done)
        columns = {}
        for name in ("activates", "row_miss", "refresh"):
            columns[name] = np.zeros(len(self.moved), dtype=np.int64)
            columns[name][commands] = [getattr(done, name) for done in self._done.values()]
        return DramCounts(
            **columns,
            burst_command=np.array(self.system.burst_transfer, dtype=np.int64),
            burst_end=np.array(self.system.burst_end, dtype=np.int64),
        )

    def _set_alarm(self) -> None:
        cycle = self.system.next_cycle()
        if cycle is None:
            return
        cycle = max(cycle, int(self.env.now))
        if cycle < self._wakes_at:
            self._wakes_at = cycle
            self._at(cycle, self._wake)

    def _wake(self, _event: Any) -> None:
        now = int(self.env.now)
        if self._wakes_at <= now:
            self._wakes_at = _NEVER
        for done in self.system.run(now):
            if isinstance(done, Handed):
                self._at(done.end, partial(self._set_free, done.transfer))
            else:
                self.moved[done.transfer] = done.cycle
                self._done[done.transfer] = done
                self._at(done.cycle, partial(self._finish, done.transfer))
        self._set_alarm()

    def _set_free(self, command: int, _event: Any) -> None:
        self._free.pop(command).succeed()

    def _finish(self, command: int, _event: Any) -> None:
        self.finish(command)

    def _at(self, cycle: int, call: Callable[[Any], None]) -> None:
        """Call at a cycle that is not over."""
        self.env.timeout(cycle - int(self.env.now)).callbacks.append(call)
