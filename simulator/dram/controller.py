"""One channel's controller: a queue of bursts, a scheduler, refresh.

The controller issues at most one command per bus and cycle. Among the commands that the waiting
bursts need, `first_ready` (FR-FCFS) issues the first one that becomes legal. Among commands that
become legal in the same cycle, column commands come before row commands, then older bursts before
younger ones. A row stays open while a waiting burst hits it. After `PATIENCE` bursts have overtaken
the oldest burst, the controller issues only commands for the oldest burst.
"""

from dataclasses import dataclass

from simulator.base.errors import InputError
from simulator.dram.device import CLOSED, Device
from simulator.dram.timing import Command, Timing

PATIENCE = 16
"""ASSUMED: column commands that may overtake the oldest burst; controllers use similar caps."""
NEVER = 1 << 62
_LAST = 1 << 56
"""The last memory and array cycle of a run; later cycles would not fit into 64-bit sums."""
_FRUITLESS = 64
"""Commands per queue entry and rank that may pass while bursts wait and none is served. Between two
refreshes of a rank, a table that works needs at most two per entry and two per rank for one burst.
"""

_ACT, _PRE, _PREA, _REF = map(int, (Command.ACT, Command.PRE, Command.PREA, Command.REF))
_RD, _RDA, _WR, _WRA = map(int, (Command.RD, Command.RDA, Command.WR, Command.WRA))
_REFRESH, _HIT, _ROW = range(3)
"""Classes of commands that are legal in the same cycle, in order of priority."""


@dataclass(slots=True, eq=False)
class Burst:
    """One burst of a transfer."""

    transfer: int
    bank: int
    row: int
    write: bool
    entered: int = 0
    """The cycle from which the burst waits in the queue."""
    prepared: int = NEVER
    """The cycle of the first row command for it; `NEVER` if it hit an open row."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The result of a step: a command and the burst that it served or prepared (None: refresh)."""

    cycle: int
    command: int
    burst: Burst | None
    refresh: int = 0
    """Cycles of the served burst's wait that overlap a refresh of its rank."""
    row_miss: int = 0
    """Other cycles of its wait since the first row command for it."""


_Choice = tuple[int, int, int, int, int, Burst | None]
"""(cycle, class, age, command, bank, burst); the least tuple is next."""
_NOTHING: _Choice = (NEVER, _ROW, 0, _PRE, 0, None)


class Controller:
    """The controller of one channel."""

    def __init__(self, timing: Timing) -> None:
        """Make a controller of an idle channel."""
        self.timing = timing
        self.device = Device(timing)
        self.queue: list[Burst] = []
        self.room_from = 0
        """The first cycle in which a burst can take the queue entry of the last served burst."""
        self.refreshes = 0
        self._refreshed = [(0, 0)] * timing.ranks
        """[rank] the first cycle that the last refresh blocked, and the first cycle after it."""
        self._now = 0
        self._last = min(_LAST, int(_LAST * timing.clock))
        self._since_served = 0
        """Commands since a burst was served or the queue was empty."""
        self._overtaken = 0
        self._hits = [0] * len(self.device.open_row)
        """[bank] the number of waiting bursts that hit the bank's open row."""
        interval = timing.refresh_interval
        self._due = [
            interval + interval * rank // timing.ranks if interval else NEVER
            for rank in range(timing.ranks)
        ]
        self._next = self._choose()

    @property
    def has_room(self) -> bool:
        """True if the queue has a free entry."""
        return len(self.queue) < self.timing.queue_depth

    @property
    def next_cycle(self) -> int:
        """The cycle of the next command if no burst arrives earlier."""
        return self._next[0]

    def add(self, burst: Burst, cycle: int) -> None:
        """Add a burst to the queue; it waits from `cycle` on."""
        burst.entered = cycle
        self.queue.append(burst)
        self._hits[burst.bank] += self.device.open_row[burst.bank] == burst.row
        self._now = max(self._now, cycle)
        if burst.bank == self._next[4]:
            self._next = self._choose()
        elif not self._alone or len(self.queue) == 1:
            self._next = min(self._next, self._candidate(len(self.queue) - 1, burst), key=_rank)

    def step(self) -> Issued:
        """Issue the next command.

        Raises:
            InputError: the table's run would never end.

        """
        cycle, kind, _, command, bank, burst = self._next
        self._require_end(cycle)
        self._now = cycle
        if burst is None:
            self._refresh(command, bank, cycle)
        elif kind == _HIT:
            if not self.timing.open_page and self._hits[bank] == 1:  # no other burst needs the row
                command = _WRA if burst.write else _RDA
            self.device.issue(command, bank, cycle)
            self._serve(burst, cycle)
            self._next = self._choose()
            return self._served(burst, cycle, command)
        else:
            burst.prepared = min(burst.prepared, cycle)
            self.device.issue(command, bank, cycle, burst.row)
            self._hits[bank] = sum(
                other.bank == bank and other.row == self.device.open_row[bank]
                for other in self.queue
            )
        self._next = self._choose()
        return Issued(cycle, command, burst)

    def _require_end(self, cycle: int) -> None:
        """Refuse a table whose refreshes leave no time for data, or whose latencies add up."""
        timing = self.timing
        self._since_served = self._since_served + 1 if self.queue else 0
        if self._since_served > _FRUITLESS * (timing.queue_depth + timing.ranks):
            raise InputError(
                f"memory.dram.timing: {self._since_served:,} commands served no burst, because a "
                f"refresh is due every {timing.refresh_interval:,} memory cycles; increase the "
                "table's refresh_interval"
            )
        if cycle > self._last:
            raise InputError(
                f"memory.dram.timing: the run takes more than {self._last:,} memory cycles; reduce "
                "the table's latencies"
            )

    def _served(self, burst: Burst, cycle: int, command: int) -> Issued:
        """Return the step of a served burst, with the causes of its wait."""
        began, ended = self._refreshed[burst.bank // self.timing.rank_banks]

        def refreshed_since(first: int) -> int:
            return max(0, min(ended, cycle) - max(began, first))

        row_miss = max(0, cycle - burst.prepared)
        if row_miss:
            row_miss -= refreshed_since(burst.prepared)
        return Issued(cycle, command, burst, refreshed_since(burst.entered), row_miss)

    @property
    def _alone(self) -> bool:
        """True if the controller considers only the oldest burst."""
        return not self.timing.first_ready or self._overtaken >= PATIENCE

    def _choose(self) -> _Choice:
        """Return the next command among those that refresh and the waiting bursts need."""
        best = self._refresh_choice()
        open_row, seen = self.device.open_row, set[tuple[int, bool, int]]()
        for age, burst in enumerate(self.queue[:1] if self._alone else self.queue):
            needs = (burst.bank, burst.write, open_row[burst.bank] == burst.row)
            if needs in seen:
                continue  # an older burst needs the same command
            seen.add(needs)
            candidate = self._candidate(age, burst)
            if candidate[:3] < best[:3]:
                best = candidate
        return best

    def _candidate(self, age: int, burst: Burst) -> _Choice:
        """Return the command that a burst needs next, if the controller would issue it."""
        bank, row = burst.bank, self.device.open_row[burst.bank]
        if row == burst.row:
            kind, command = _HIT, _WR if burst.write else _RD
        elif row == CLOSED:
            kind, command = _ROW, _ACT
        elif self._hits[bank] and not self._alone:
            return _NOTHING
        else:
            kind, command = _ROW, _PRE
        cycle = max(self._now, self.device.earliest(command, bank))
        if cycle >= self._due[bank // self.timing.rank_banks]:
            return _NOTHING  # refresh comes first
        return cycle, kind, age, command, bank, burst

    def _refresh_choice(self) -> _Choice:
        """Return the next command for a refresh, in the cycle in which it is due and legal."""
        best = _NOTHING
        for rank, due in enumerate(self._due):
            if due < NEVER:
                bank = rank * self.timing.rank_banks
                command = _PREA if self.device.open_banks[rank] else _REF
                cycle = max(due, self._now, self.device.earliest(command, bank))
                best = min(best, (cycle, _REFRESH, rank, command, bank, None), key=_rank)
        return best

    def _serve(self, burst: Burst, cycle: int) -> None:
        """Remove a burst from the queue."""
        if not self.has_room:
            self.room_from = cycle + 1
        self._since_served = 0
        self._overtaken = 0 if burst is self.queue[0] else self._overtaken + 1
        self.queue.remove(burst)
        self._hits[burst.bank] -= 1

    def _refresh(self, command: int, bank: int, cycle: int) -> None:
        self.device.issue(command, bank, cycle)
        per_rank = self.timing.rank_banks
        if command == _REF:
            rank = bank // per_rank
            self.refreshes += 1
            self._refreshed[rank] = (self._due[rank], self.device.earliest(_ACT, bank))
            self._due[rank] += self.timing.refresh_interval
        else:
            self._hits[bank : bank + per_rank] = [0] * per_rank


def _rank(choice: _Choice) -> tuple[int, int, int]:
    return choice[:3]
