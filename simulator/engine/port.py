"""A buffer with one port in the event engine: reads lose cycles to writes into their bank.

The port writes a result from the cycle in which it is ready, after all pending writes, one word per
cycle. A read proceeds word by word. It loses every cycle in which the port writes to the bank of
its next word.
"""

from collections import deque
from collections.abc import Generator
from typing import Any

import simpy

from simulator.program import SharedPort, Words
from simulator.program.written import WrittenProgram


class PortServer:
    """The port, and the runs of words that it writes."""

    def __init__(self, env: simpy.Environment, port: SharedPort, rows: WrittenProgram) -> None:
        """Make a port.

        Args:
            env: the environment in which the program runs.
            port: its declaration in the program.
            rows: the program.

        """
        self.env = env
        self.reader = port.reader
        self._read: dict[int, Words] = dict(zip(rows.rows(port.reader), port.read(), strict=True))
        self._written = dict(zip(rows.rows(port.writer), port.written(), strict=True))
        self._banks = port.banks
        self._runs: deque[tuple[int, int, int]] = deque()
        """(first cycle, first cycle after, word less cycle) of writes, in order of time."""

    def write(self, row: int) -> None:
        """Write a result that has become ready, if it belongs in the buffer."""
        if row in self._written and self._written[row].length:
            first, length = self._written[row]
            begin = max(int(self.env.now), self._runs[-1][1] if self._runs else 0)
            self._runs.append((begin, begin + length, first - begin))

    def read(self, row: int, cycles: int) -> Generator[simpy.Event, Any, None]:
        """Read a command's words, then wait for its other cycles; every conflict adds one cycle."""
        word, length = self._read[row]
        behind = word + length
        while word < behind:
            cycle = int(self.env.now)
            yield self.env.timeout(behind - word)
            word = self._advance(word, cycle, int(self.env.now))
        if cycles > length:
            yield self.env.timeout(cycles - length)

    def _advance(self, word: int, cycle: int, until: int) -> int:
        """Return the next word at `until`; the server has noted all writes before `until`."""
        while self._runs and self._runs[0][1] <= cycle:
            self._runs.popleft()
        for begin, end, offset in self._runs:
            if begin >= until:
                break
            first, last = max(begin, cycle), min(end, until)
            if first < last:
                word += first - cycle
                meet = (first + offset - word) % self._banks == 0
                # with several banks, the write is in another bank from the next cycle
                lost = last - first if self._banks == 1 else int(meet)
                word += last - first - lost
                cycle = last
        return word + until - cycle
