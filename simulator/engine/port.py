"""A buffer with one port in the event engine: reads lose the cycles in which their bank is written.

A result is written from the cycle in which it is ready, after all pending writes, a line per cycle.
A read proceeds line by line; it loses every cycle in which the bank of its next line is written.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

import simpy

from simulator.program import Lines, SharedPort
from simulator.program.written import WrittenProgram


class PortServer:
    """The port, and the runs of lines that are being written."""

    def __init__(self, env: simpy.Environment, port: SharedPort, rows: WrittenProgram) -> None:
        """Make a port.

        Args:
            env: where the program runs.
            port: what the program declares of it.
            rows: the program.

        """
        self.env = env
        self.reader = port.reader
        self._read: dict[int, Lines] = dict(zip(rows.rows(port.reader), port.read(), strict=True))
        self._written = dict(zip(rows.rows(port.writer), port.written(), strict=True))
        self._banks = port.banks
        self._runs: deque[tuple[int, int, int]] = deque()
        """(first cycle, first cycle behind, line less cycle) of writes, in order of time."""

    def write(self, row: int) -> None:
        """Write a result that has become ready, if it belongs into the buffer."""
        if row in self._written and self._written[row].length:
            first, length = self._written[row]
            begin = max(int(self.env.now), self._runs[-1][1] if self._runs else 0)
            self._runs.append((begin, begin + length, first - begin))

    def read(self, row: int, cycles: int) -> Generator[simpy.Event, Any, None]:
        """Read a command's lines, then let the rest of its cycles pass; every conflict adds one."""
        line, length = self._read[row]
        behind = line + length
        while line < behind:
            cycle = int(self.env.now)
            yield self.env.timeout(behind - line)
            line = self._advance(line, cycle, int(self.env.now))
        if cycles > length:
            yield self.env.timeout(cycles - length)

    def _advance(self, line: int, cycle: int, until: int) -> int:
        """Line that comes next at `until`; what is written before `until` is known by then."""
        while self._runs and self._runs[0][1] <= cycle:
            self._runs.popleft()
        for begin, end, offset in self._runs:
            if begin >= until:
                break
            first, last = max(begin, cycle), min(end, until)
            if first < last:
                line += first - cycle
                meet = (first + offset - line) % self._banks == 0
                # with several banks the write is in another one from the next cycle on
                lost = last - first if self._banks == 1 else int(meet)
                line += last - first - lost
                cycle = last
        return line + until - cycle
