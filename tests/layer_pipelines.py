"""Programs of layer pipelines: one section, a unit per stage, and FIFOs between stages.

A FIFO is two channels: its words, and its free space. A stage's program has loops over images,
rows, pixels, and words. All stages work at once; each waits for words, or for space.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from simulator.program import Amount, Body, Channel, Command, Kind, Loop, Program, Section, Unit
from simulator.program.parts import ProgramParts
from tests.free_programs import program


class Fifo(NamedTuple):
    """The two channels between two stages."""

    words: Channel
    space: Channel

    def put(self, words: int = 1) -> "Flow":
        return Flow((self.space(words),), (self.words(words),))

    def get(self, words: int = 1) -> "Flow":
        return Flow((self.words(words),), (self.space(words),))


class Flow(NamedTuple):
    """The tokens that a command takes and gives."""

    takes: tuple[Amount, ...] = ()
    gives: tuple[Amount, ...] = ()


@dataclass(frozen=True)
class Window:
    """A convolution's windows: `size` x `size` pixels of a square map with `side` pixels."""

    side: int
    words: int
    """Words per pixel of the input."""
    size: int = 3
    stride: int = 1
    padding: int = 1
    wide: int = 1
    """Words of a window that leave at once."""

    @property
    def burst(self) -> int:
        """Words that leave for each pixel of the output."""
        return self.size**2 * self.words // self.wide

    @property
    def out(self) -> int:
        return (self.side + 2 * self.padding - self.size) // self.stride + 1

    def rows_before(self, row: int) -> int:
        """Input rows that an output row needs."""
        if row == self.out:
            return self.side
        return min(row * self.stride + self.size - self.padding, self.side)


class Pipeline:
    """A builder of pipelines: each method adds a stage and returns the FIFO after it."""

    def __init__(self, depth: int = 2) -> None:
        self.depth = depth
        """The depth of FIFOs without a depth of their own."""
        self.kinds: list[Kind] = []
        self.channels: dict[Channel, int] = {}
        self.image: dict[Unit, Body] = {}
        """Every unit's commands for an image."""

    @property
    def commands(self) -> int:
        """The number of commands for an image."""
        return Section(self.image).commands

    def parts(self, images: int) -> ProgramParts:
        bodies = {unit: _loop(images, body) for unit, body in self.image.items()}
        return ProgramParts(
            units=tuple(bodies),
            kinds=tuple(self.kinds),
            channels=self.channels,
            sections=(Section(bodies),),
            names=("pipeline",),
        )

    def program(self, images: int) -> Program:
        return program(self.parts(images), {})

    # --- stages -----------------------------------------------------------------------------------

    def source(self, words: int, cycles: int = 1, depth: int = 0) -> Fifo:
        kind, out = self._kind("source"), self._fifo(depth)
        return self._stage(kind, [_times(words, _command(kind, cycles, out.put()))], out)

    def sink(self, fifo: Fifo, words: int) -> None:
        kind = self._kind("sink")
        self._stage(kind, [_times(words, _command(kind, 1, fifo.get()))], fifo)

    def windows(self, fifo: Fifo, window: Window, depth: int = 0) -> Fifo:
        """Read rows; write the words of each pixel's window, and read the next rows meanwhile."""
        kind, out = self._kind("swu"), self._fifo(depth)
        load = _command(kind, 1, fifo.get())
        emit = _command(kind, 1, out.put())
        both = _command(kind, 1, fifo.get(), out.put())
        row_words, burst = window.side * window.words, window.burst
        parts: list[Body] = [_times(window.rows_before(0) * row_words, load)]
        for row in range(window.out):
            reads = (window.rows_before(row + 1) - window.rows_before(row)) * row_words
            each, rest = divmod(reads, window.out)
            each, rest = (each, rest) if each <= burst else (0, reads)
            pixel = _times(each, both) + _times(burst - each, emit)
            parts += [_loop(window.out, pixel), _times(rest, load)]
        return self._stage(kind, _merged(parts), out)

    def products(self, fifo: Fifo, pixels: int, words: int, folds: int, depth: int = 0) -> Fifo:
        """Take a pixel's words; give a word for every fold of the output channels."""
        kind, out = self._kind("mvtu"), self._fifo(depth)
        take = _command(kind, 1, fifo.get())
        last = _command(kind, 1, fifo.get(), out.put())
        fold = _command(kind, words, out.put())
        body = (*_times(words - 1, take), last, *_times(folds - 1, fold))
        return self._stage(kind, [_loop(pixels, body)], out)

    def convert(self, fifo: Fifo, words: int, takes: int, gives: int, depth: int = 0) -> Fifo:
        """Take `takes` words of one width, then give `gives` words of another."""
        kind, out = self._kind("width"), self._fifo(depth)
        take, give = _command(kind, 1, fifo.get()), _command(kind, 1, out.put())
        both = _command(kind, 1, fifo.get(), out.put())
        body = (*_times(takes - 1, take), both, *_times(gives - 1, give))
        return self._stage(kind, [_loop(words, body)], out)

    def pool(self, fifo: Fifo, side: int, words: int, size: int = 2, depth: int = 0) -> Fifo:
        """Take `size` rows, then give a row."""
        kind, out = self._kind("pool"), self._fifo(depth)
        take, give = _command(kind, 1, fifo.get()), _command(kind, 1, out.put())
        row = _times(size * side * words, take) + _times(side // size * words, give)
        return self._stage(kind, [_loop(side // size, row)], out)

    def fork(self, fifo: Fifo, words: int, *depths: int) -> list[Fifo]:
        """Give every word to several FIFOs."""
        kind, outs = self._kind("fork"), [self._fifo(depth) for depth in depths]
        give = _command(kind, 1, fifo.get(), *(out.put() for out in outs))
        self._stage(kind, [_times(words, give)], outs[0])
        return outs

    def add(self, one: Fifo, other: Fifo, words: int, depth: int = 0) -> Fifo:
        kind, out = self._kind("add"), self._fifo(depth)
        return self._stage(
            kind, [_times(words, _command(kind, 1, one.get(), other.get(), out.put()))], out
        )

    def convolution(
        self, fifo: Fifo, window: Window, folds: int, depth: int = 0, windows: int = 0
    ) -> Fifo:
        """A sliding-window unit and its matrix-vector unit."""
        out = self.windows(fifo, window, windows)
        return self.products(out, window.out**2, window.burst, folds, depth)

    # --- parts ------------------------------------------------------------------------------------

    def _kind(self, name: str) -> Kind:
        number = sum(kind.name.startswith(name) for kind in self.kinds)
        kind = Kind(f"{name}{number}", Unit(f"{name}{number}", f"{name} {number}"))
        self.kinds.append(kind)
        return kind

    def _fifo(self, depth: int) -> Fifo:
        number = len(self.channels) // 2
        words = Channel(f"words{number}", f"a word in FIFO {number}")
        space = Channel(f"space{number}", f"space in FIFO {number}")
        self.channels |= {words: 0, space: depth or self.depth}
        return Fifo(words, space)

    def _stage(self, kind: Kind, parts: Iterable[Body], out: Fifo) -> Fifo:
        self.image[kind.unit] = tuple(part for body in parts for part in body)
        return out


def _command(kind: Kind, cycles: int, *flows: Flow) -> Command:
    takes = [amount for flow in flows for amount in flow.takes]
    gives = [amount for flow in flows for amount in flow.gives]
    return kind(cycles=cycles, takes=takes, gives=gives)


def _times(times: int, command: Command) -> Body:
    return _loop(times, (command,))


def _loop(times: int, body: Body) -> Body:
    return (Loop(times, body),) if times > 1 else body * times


def _merged(parts: list[Body]) -> list[Body]:
    """Equal rows as a loop."""
    rows = [first + second for first, second in zip(parts[1::2], parts[2::2], strict=True)]
    merged, start = [parts[0]], 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[start]:
            merged.append(_loop(place - start, rows[start]))
            start = place
    return merged
