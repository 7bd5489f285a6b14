"""A DRAM with a timing table in the event engine: it determines the end of its units' commands."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import simpy

from simulator.dram import DramSystem
from simulator.dram.system import Handed, Moved
from simulator.engine.trace import DramCounts
from simulator.program import SharedDram
from simulator.program.written import WrittenProgram

_NEVER = 1 << 62


class DramServer:
    """A process that wakes when the DRAM model has work, and passes on finished transfers."""

    def __init__(
        self,
        env: simpy.Environment,
        shared: SharedDram,
        rows: WrittenProgram,
        finish: Callable[[int], None],
    ) -> None:
        """Make the DRAM of a program.

        Args:
            env: the environment in which the program runs.
            shared: its declaration in the program.
            rows: the program.
            finish: called with a row when its last data has moved.

        """
        self.env = env
        self.finish = finish
        self.system = DramSystem(shared.timing, (shared.gap,) * len(shared.streams))
        self._writes = [unit in shared.writers for unit in shared.streams]
        self._stream: dict[int, int] = {}
        """Row -> its stream, if the row moves bytes."""
        self._address: dict[int, int] = {}
        """Row -> its first byte, if the row moves bytes."""
        self._bytes = rows.column([command.bytes for command in rows.commands]).tolist()
        for stream, (unit, addresses) in enumerate(shared.streams.items()):
            for row, address in zip(rows.rows(unit), addresses(), strict=True):
                if self._bytes[row]:
                    self._stream[row], self._address[row] = stream, address
        self._done: dict[int, Moved] = {}
        self._free: dict[int, simpy.Event] = {}
        self._wakes_at = _NEVER

    def serves(self, row: int) -> bool:
        """True if the DRAM determines a command's time."""
        return row in self._stream

    def submit(self, row: int) -> simpy.Event:
        """Start a command's transfer; the event triggers when its unit is free again."""
        stream = self._stream[row]
        self.system.submit(
            stream,
            row,
            address=self._address[row],
            size=self._bytes[row],
            write=self._writes[stream],
            cycle=int(self.env.now),
        )
        self._free[row] = self.env.event()
        self._set_alarm()
        return self._free[row]

    def counts(self) -> DramCounts:
        """Return the DRAM activity for each row, and the end of each burst."""
        rows = list(self._done)
        columns = {}
        for name in ("activates", "row_miss", "refresh"):
            columns[name] = np.zeros(len(self._bytes), dtype=np.int64)
            columns[name][rows] = [getattr(done, name) for done in self._done.values()]
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
                self._done[done.transfer] = done
                self._at(done.cycle, partial(self._finish, done.transfer))
        self._set_alarm()

    def _set_free(self, row: int, _event: Any) -> None:
        self._free.pop(row).succeed()

    def _finish(self, row: int, _event: Any) -> None:
        self.finish(row)

    def _at(self, cycle: int, call: Callable[[Any], None]) -> None:
        """Call a function at a cycle that is not over."""
        self.env.timeout(cycle - int(self.env.now)).callbacks.append(call)
