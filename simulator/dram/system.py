"""All channels of a DRAM and the streams that feed them, on the clock of the array.

A stream issues the bursts of its transfers in order, at most one every `gap` array cycles. Each
burst enters its channel's queue as soon as the queue has a free entry, and blocks the stream's
later bursts until then. A queue can accept a burst that a stream offers at array time t from the
first memory cycle after t. If several streams wait for one entry, the longest-waiting stream gets
it. Among equal waits, the stream with the lower number gets it.

All times are whole numbers. The unit of array time is a fraction of a cycle in which the stream's
gap is whole; the unit of memory time is the memory cycle.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from simulator.dram.controller import NEVER, Burst, Controller
from simulator.dram.timing import Command, Timing


@dataclass(frozen=True, slots=True)
class Handed:
    """The last burst of a transfer is in a queue; its stream is free at array cycle `end`."""

    transfer: int
    end: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The last data of a transfer moves at array cycle `cycle`."""

    transfer: int
    cycle: int
    activates: int
    """The number of rows that the controllers opened for it."""
    row_miss: int
    """Array cycles that its last burst's data waited for a row to close and open."""
    refresh: int
    """Array cycles that its last burst's data waited for a refresh."""


@dataclass(slots=True)
class _Transfer:
    number: int
    write: bool
    next: int
    """The number of the next burst in the address space."""
    last: int
    waiting: int
    """The number of bursts whose data has not moved."""
    moved: int = 0
    """The memory cycle in which the last data so far moved."""
    end: int = 0
    activates: int = 0
    row_miss: int = 0
    """Memory cycles of the burst that moved last."""
    refresh: int = 0


@dataclass(slots=True)
class _Stream:
    gap: int
    """The time between two bursts, in fractions of an array cycle."""
    scale: int
    """The number of these fractions in an array cycle."""
    link: int = 0
    """The time at which the stream can offer its next burst, in fractions of an array cycle."""
    transfer: _Transfer | None = None
    """The transfer in progress."""
    burst: Burst | None = None
    """The next burst of the transfer."""
    channel: int = 0
    """The channel of the next burst."""
    visible: int = 0
    """The first memory cycle in which a queue can accept the next burst."""


class DramSystem:
    """The channels and streams of a DRAM, with their common time."""

    def __init__(self, timing: Timing, gaps: tuple[Fraction, ...]) -> None:
        """Make a DRAM.

        Args:
            timing: the DRAM's table.
            gaps: array cycles between two bursts, for each stream.

        """
        self.timing = timing
        self.controllers = [Controller(timing) for _ in range(timing.channels)]
        self._next = [controller.next_cycle for controller in self.controllers]
        """[channel] the cycle of the next command."""
        self._awaited = [NEVER] * timing.channels
        """[channel] the cycle of the next command if bursts wait; otherwise `NEVER`."""
        self._streams = [_Stream(gap=gap.numerator, scale=gap.denominator) for gap in gaps]
        self._transfers: dict[int, _Transfer] = {}
        self.burst_transfer = array("q")
        """[bursts] the transfer of every burst that has had its column command."""
        self.burst_end = array("q")
        """[bursts] the memory cycle in which the burst's data ends."""
        self._decode = _decoder(timing)
        self._per, self._in = timing.clock.numerator, timing.clock.denominator

    def submit(
        self, stream: int, transfer: int, *, address: int, size: int, write: bool, cycle: int
    ) -> None:
        """Start a transfer of `size` bytes in a free stream at array cycle `cycle`."""
        burst, to = self.timing.burst_bytes, self._streams[stream]
        first, last = address // burst, (address + size - 1) // burst
        to.transfer = _Transfer(transfer, write, first, last, last - first + 1)
        self._transfers[transfer] = to.transfer
        to.link = max(to.link, cycle * to.scale)
        self._offer_next(to, to.transfer)

    def next_cycle(self) -> int | None:
        """Return the array cycle of the next event that bursts wait for; None: no burst waits."""
        soonest = min(self._next_offer()[0], *self._awaited)
        return None if soonest == NEVER else self._array_cycle(soonest)

    def run(self, cycle: int) -> list[Handed | Moved]:
        """Process all events up to and including array cycle `cycle`, also refreshes."""
        limit, done = cycle * self._per // self._in, list[Handed | Moved]()
        while True:
            offered, stream = self._next_offer()
            issued = min(self._next)
            if min(offered, issued) > limit:
                return done
            if stream is not None and offered <= issued:
                self._hand_over(stream, offered, done)
            else:
                self._step(self._next.index(issued), done)

    def _next_offer(self) -> tuple[int, _Stream | None]:
        """Return the memory cycle in which the next burst enters a queue, and its stream."""
        soonest, waiting, first = NEVER, NEVER, None
        for stream in self._streams:
            controller = self.controllers[stream.channel]
            if stream.burst is not None and controller.has_room:
                cycle = max(stream.visible, controller.room_from)
                if (cycle, stream.visible) < (soonest, waiting):
                    soonest, waiting, first = cycle, stream.visible, stream
        return soonest, first

    def _offer_next(self, stream: _Stream, transfer: _Transfer) -> None:
        """Prepare the next burst of a transfer."""
        stream.channel, bank, row = self._decode(transfer.next)
        stream.burst = Burst(transfer.number, bank, row, transfer.write)
        stream.visible = stream.link * self._per // (stream.scale * self._in) + 1

    def _hand_over(self, stream: _Stream, cycle: int, done: list[Handed | Moved]) -> None:
        transfer, burst, channel = stream.transfer, stream.burst, stream.channel
        assert transfer is not None and burst is not None  # the stream offered a burst
        self.controllers[channel].add(burst, cycle)
        self._note(channel)
        if cycle > stream.visible:  # the burst waited
            stream.link = -(-cycle * self._in * stream.scale // self._per)
        stream.link += stream.gap
        transfer.next += 1
        if transfer.next <= transfer.last:
            self._offer_next(stream, transfer)
            return
        stream.transfer = stream.burst = None
        transfer.end = max(-(-stream.link // stream.scale), self._array_cycle(cycle))
        done.append(Handed(transfer.number, transfer.end))

    def _note(self, channel: int) -> None:
        """Update the next cycle of a channel whose controller has changed."""
        controller = self.controllers[channel]
        self._next[channel] = controller.next_cycle
        self._awaited[channel] = controller.next_cycle if controller.queue else NEVER

    def _step(self, channel: int, done: list[Handed | Moved]) -> None:
        issued = self.controllers[channel].step()
        self._note(channel)
        if issued.burst is None:
            return
        transfer = self._transfers[issued.burst.transfer]
        if issued.command == Command.ACT:
            transfer.activates += 1
        if issued.command in _ROW_COMMANDS:
            return
        data = self.timing.write_data if transfer.write else self.timing.read_data
        self.burst_transfer.append(transfer.number)
        self.burst_end.append(issued.cycle + data)
        if issued.cycle + data > transfer.moved:
            transfer.moved = issued.cycle + data
            transfer.row_miss, transfer.refresh = issued.row_miss, issued.refresh
        transfer.waiting -= 1
        if not transfer.waiting:
            del self._transfers[transfer.number]
            done.append(self._moved(transfer))

    def _moved(self, transfer: _Transfer) -> Moved:
        """Return a finished transfer in array cycles, with its waits rounded down."""
        return Moved(
            transfer.number,
            max(transfer.end, self._array_cycle(transfer.moved)),
            transfer.activates,
            transfer.row_miss * self._in // self._per,
            transfer.refresh * self._in // self._per,
        )

    def _array_cycle(self, cycle: int) -> int:
        """Return the first array cycle at or after the start of a memory cycle."""
        return -(-cycle * self._in // self._per)


_ROW_COMMANDS = frozenset(map(int, (Command.ACT, Command.PRE)))


def _decoder(timing: Timing) -> Callable[[int], tuple[int, int, int]]:
    """Return a function from a burst's number to (channel, bank, row)."""
    sizes = {
        "Ch": timing.channels,
        "Co": timing.columns,
        "Bg": timing.bank_groups,
        "Ba": timing.banks,
        "Ra": timing.ranks,
        "Ro": timing.rows,
    }
    below = {
        name: prod(sizes[other] for other in timing.order[:place])
        for place, name in enumerate(timing.order)
    }
    channels, groups, banks, ranks, rows = (sizes[name] for name in ("Ch", "Bg", "Ba", "Ra", "Ro"))
    channel, group, bank, rank, row = (below[name] for name in ("Ch", "Bg", "Ba", "Ra", "Ro"))

    def decode(burst: int) -> tuple[int, int, int]:
        groups_before = burst // rank % ranks * groups + burst // group % groups
        in_channel = groups_before * banks + burst // bank % banks
        return burst // channel % channels, in_channel, burst // row % rows

    return decode
