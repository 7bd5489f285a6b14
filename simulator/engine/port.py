"""A buffer with one port in the event engine: reads lose the cycles in which their bank is written.

What is ready to be written is written at once, behind what is being written, one line a cycle. A
read goes on line by line; in a cycle in which the bank of its next line is written it waits.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

import simpy

from simulator.ordered import Program, SharedPort


class PortProcess:
    """The port, and the runs of lines that are being written."""

    def __init__(self, env: simpy.Environment, program: Program, port: SharedPort) -> None:
        """Make one of a program's ports."""
        self.env = env
        self._unit, self._writer = program.unit.tolist(), port.writer
        self._line, self._lines = port.line.tolist(), port.lines.tolist()
        self._banks = port.banks
        self._runs: deque[tuple[int, int, int]] = deque()
        """(first cycle, first cycle behind, line less cycle) of writes, in order of time."""

    def written(self, command: int) -> None:
        """Let what has become ready be written, if it belongs into the buffer."""
        if self._unit[command] == self._writer and self._lines[command]:
            begin = max(int(self.env.now), self._runs[-1][1] if self._runs else 0)
            self._runs.append((begin, begin + self._lines[command], self._line[command] - begin))

    def read(self, command: int, cycles: int) -> Generator[simpy.Event, Any, None]:
        """Read a command's lines, then let the rest of its cycles pass; every conflict adds one."""
        line, lines = self._line[command], self._lines[command]
        behind = line + lines
        while line < behind:
            cycle = int(self.env.now)
            yield self.env.timeout(behind - line)
            line = self._advance(line, cycle, int(self.env.now))
        if cycles > lines:
            yield self.env.timeout(cycles - lines)

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
