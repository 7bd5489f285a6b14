"""A pipeline's program run with words instead of times.

Every unit runs its own commands in order. A command runs when its tokens are available:
words to read, and space for the words that it writes. It then moves these words. Their contents
come from the unit's operator (`values.py`), which sees only words that the unit has read.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.stages import Stage
from simulator.program import Body, Channel, Command, Loop

_NONE = object()


class StreamError(Exception):
    """A pipeline in which words cannot move as its programs say."""


@dataclass(eq=False)
class Input:
    """The words that a unit has read of a FIFO, in order, as its operator takes them."""

    unit: str
    fifo: Fifo
    waiting: deque[Any] = field(default_factory=deque)
    taken: int = 0
    """Words of the image that the operator has taken, or passed over."""
    passed_over: int = 0
    """Words of earlier images that the operator did not need, and that may not have come yet."""

    def __call__(self) -> Any:
        """Take the next word.

        Raises:
            StreamError: the unit has not read it.

        """
        while self.passed_over and self.waiting:
            self.waiting.popleft()
            self.passed_over -= 1
        if not self.waiting:
            raise StreamError(f"{self.unit} writes a word before it has read what the word needs")
        self.taken += 1
        return self.waiting.popleft()

    def end_image(self) -> None:
        """Pass over the words of the image that the operator did not need.

        Raises:
            StreamError: the operator has taken words of the next image.

        """
        if self.taken > self.fifo.words:
            raise StreamError(f"{self.unit} takes more words than an image has")
        self.passed_over += self.fifo.words - self.taken
        self.taken = 0


class Moves(NamedTuple):
    """The words that a command moves, and its tokens."""

    takes: tuple[tuple[Channel, int], ...]
    gives: tuple[tuple[Channel, int], ...]
    reads: tuple[Fifo, ...]
    writes: tuple[Fifo, ...]


@dataclass(eq=False)
class Running:
    """A unit at work."""

    stage: Stage
    inputs: dict[Fifo, Input]
    results: Iterator[Any]
    """The words that it writes, in order."""
    commands: Iterator[Command]
    next: Command | None = None


@dataclass(eq=False)
class Streams:
    """A pipeline at work: its FIFOs with their words, and the tokens of its channels."""

    fifos: tuple[Fifo, ...]
    tokens: dict[Channel, int] = field(default_factory=dict)
    words: dict[Fifo, deque[Any]] = field(default_factory=dict)
    most: dict[Fifo, int] = field(default_factory=dict)
    """The most words that each FIFO has held."""
    _moves: dict[int, Moves] = field(default_factory=dict)
    _awake: deque[Running] = field(default_factory=deque)
    _asleep: dict[Channel, Running] = field(default_factory=dict)
    """The units that wait, by the channel whose tokens they need."""

    def __post_init__(self) -> None:
        """Empty all FIFOs."""
        for fifo in self.fifos:
            self.tokens[fifo.items], self.tokens[fifo.space] = 0, fifo.depth
            self.words[fifo], self.most[fifo] = deque(), 0
        self._of_items = {fifo.items: fifo for fifo in self.fifos}

    def run(self, units: Sequence[Running]) -> None:
        """Run all units to their ends.

        Raises:
            StreamError: no unit can go on, or a unit writes a word before it can know it.

        """
        for unit in units:
            unit.next = next(unit.commands, None)
        self._awake.extend(units)
        while self._awake:
            self._advance(self._awake.popleft())
        self._require_ends(units)

    def _advance(self, unit: Running) -> None:
        """Run a unit's commands until one must wait for a token."""
        while unit.next is not None:
            moves = self._moves.get(id(unit.next)) or self._moves_of(unit.next)
            for channel, count in moves.takes:
                if self.tokens[channel] < count:
                    self._asleep[channel] = unit
                    return
            self._move(unit, moves)
            unit.next = next(unit.commands, None)

    def _move(self, unit: Running, moves: Moves) -> None:
        for channel, count in moves.takes:
            self.tokens[channel] -= count
        for fifo in moves.reads:
            unit.inputs[fifo].waiting.append(self.words[fifo].popleft())
        if moves.writes:
            word = next(unit.results, _NONE)
            if word is _NONE:
                raise StreamError(f"{unit.stage.name} writes more words than its images have")
            for fifo in moves.writes:
                self.words[fifo].append(word)
                self.most[fifo] = max(self.most[fifo], len(self.words[fifo]))
        for channel, count in moves.gives:
            self.tokens[channel] += count
            if channel in self._asleep:
                self._awake.append(self._asleep.pop(channel))

    def _require_ends(self, units: Sequence[Running]) -> None:
        """Raise StreamError unless all words have arrived."""
        waiting = [unit.stage.name for unit in units if unit.next is not None]
        if waiting:
            raise StreamError(f"all units wait: {', '.join(waiting)}")
        for unit in units:
            if next(unit.results, _NONE) is not _NONE:
                raise StreamError(f"{unit.stage.name} does not write all words of its images")
        left = [fifo.name for fifo, words in self.words.items() if words]
        if left:
            raise StreamError(f"words are left in front of {', '.join(left)}")

    def _moves_of(self, command: Command) -> Moves:
        given = (*command.gives, *command.begins)
        moves = Moves(
            takes=command.takes,
            gives=given,
            reads=self._fifos_of(command.takes),
            writes=self._fifos_of(given),
        )
        self._moves[id(command)] = moves
        return moves

    def _fifos_of(self, tokens: Sequence[tuple[Channel, int]]) -> tuple[Fifo, ...]:
        found = ((self._of_items.get(channel), count) for channel, count in tokens)
        return tuple(fifo for fifo, count in found if fifo is not None for _ in range(count))


def commands_of(body: Body) -> Iterator[Command]:
    """Yield the commands of a body, with loops unrolled."""
    for entry in body:
        if isinstance(entry, Loop):
            for _ in range(entry.times):
                yield from commands_of(entry.body)
        elif isinstance(entry, Command):
            yield entry
