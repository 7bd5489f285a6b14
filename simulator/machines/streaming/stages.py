"""The units of a pipeline as records: their FIFOs, and the trip counts of their loops.

`build.py` makes the records from a network and a hardware file; `units.py` has their programs.
"""

from dataclasses import dataclass, field
from functools import cached_property

from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.turns import Turns, cycles_of
from simulator.program import Category, CountsAs, Kind, Unit


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """A unit: an operator of the pipeline, which runs the same loops for every image."""

    name: str
    """The layer's name and the operator's, such as `conv1.window`."""
    layer: str
    """The layer that it belongs to."""
    category: Category
    """The category of its cycles: its layer's."""
    images: int
    sources: tuple[Fifo, ...] = ()
    targets: tuple[Fifo, ...] = ()
    rate: str | None = None
    """The name of the rate at which its words cross the DRAM interface."""
    pes: int = 0
    """PEs of the stage: multipliers, or adders of shared dot products."""
    unit: Unit = field(init=False)
    work: Kind = field(init=False)
    """The kind of its commands."""

    def __post_init__(self) -> None:
        """Make the unit and the kind of its commands."""
        direction = {None: "", "read": "read", "write": "write"}[self.rate]
        unit = Unit(
            self.name,
            self.name,
            letter=self.letter,
            dram=direction,  # type: ignore[arg-type]
            layer=self.layer,
            role=self.role,
        )
        object.__setattr__(self, "unit", unit)
        side = "PEs" if self.pes else ""
        kind = Kind(self.name, unit, self.rate, CountsAs(self.category), side=side)
        object.__setattr__(self, "work", kind)

    letter = "S"
    role = ""
    """The task of such units, in reports."""

    @property
    def source(self) -> Fifo:
        """Its only input."""
        (one,) = self.sources
        return one

    @property
    def target(self) -> Fifo:
        """Its only output."""
        (one,) = self.targets
        return one

    @property
    def cycles(self) -> int:
        """Cycles of its commands per image, if it never waits."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Dma(Stage):
    """Moves an image, or results, between DRAM and a stream."""

    words: int
    word_bytes: int
    letter = "D"
    role = "DMA"

    @property
    def cycles(self) -> int:
        """A word per cycle; a slower DRAM adds to it."""
        return self.words


@dataclass(frozen=True, eq=False, kw_only=True)
class Mover(Stage):
    """A unit that moves a word in and a word out per cycle at most, in a fixed pattern."""

    turns: Turns
    """The pattern of the first image: repeated lists of turns, such as those of a row."""
    later_turns: Turns
    """The pattern of every other image."""
    leaves_result: bool = False
    """True if the unit writes its last result after the last image."""

    @cached_property
    def cycles(self) -> int:
        """One per iteration."""
        return cycles_of(self.later_turns)


@dataclass(frozen=True, eq=False, kw_only=True)
class Windows(Mover):
    """The sliding-window unit: keeps rows of a map and writes the window of every output pixel."""

    letter = "W"
    role = "sliding windows"
    buffer_bits: int = 0
    """Bits of the rows that it keeps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Mover):
    """Writes a map with zeros around it."""

    letter = "Z"
    role = "padding"


@dataclass(frozen=True, eq=False, kw_only=True)
class Converter(Mover):
    """The data-width converter: words of another width with the same values."""

    letter = "C"
    role = "width converter"


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Mover):
    """Pooling: combines the words of a window, or all words of a map."""

    letter = "P"
    role = "pooling"


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Mover):
    """Compares every value with the thresholds of its channel."""

    letter = "T"
    role = "thresholds"


@dataclass(frozen=True, eq=False, kw_only=True)
class Shuffle(Mover):
    """Keeps the channels of a pixel and writes them in another order."""

    letter = "X"
    role = "shuffling"


@dataclass(frozen=True, eq=False, kw_only=True)
class Fork(Mover):
    """Copies every word to several streams."""

    letter = "F"
    role = "fork"


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Mover):
    """Adds the values of several maps, word by word."""

    letter = "A"
    role = "addition"


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Stage):
    """Joins the channels of several maps, pixel by pixel."""

    pixels: int
    words: tuple[int, ...]
    """Words of a pixel of every map."""
    letter = "J"
    role = "concatenation"

    @property
    def cycles(self) -> int:
        """One per word."""
        return self.pixels * sum(self.words)


@dataclass(frozen=True, eq=False, kw_only=True)
class Weights(Stage):
    """Streams the weights of a stage from DRAM, fold by fold, once for every pixel."""

    folds: int
    """Neuron folds of an image."""
    fold_bytes: int
    letter = "B"
    role = "weights from DRAM"

    @property
    def cycles(self) -> int:
        """At least one per fold; the DRAM decides."""
        return self.folds


@dataclass(frozen=True, eq=False, kw_only=True)
class MatrixVector(Stage):
    """The matrix-vector-threshold unit (MVTU): PE dot products over SIMD inputs per cycle."""

    pixels: int
    """Output pixels of an image, times the groups of a convolution."""
    synapse_folds: int
    """Words of a window: cycles in which a PE takes the inputs of an output."""
    neuron_folds: int
    """Groups of outputs that the PEs compute one after another."""
    weights: Fifo | None = None
    """Streamed weights, a word per neuron fold; None: on chip."""
    holds: bool = False
    """True if the outputs of a fold leave in the first cycle of the next fold."""
    letter = "M"
    role = "MVTU"

    @property
    def cycles(self) -> int:
        """Cycles per image: pixels x synapse folds x neuron folds."""
        return self.pixels * self.synapse_folds * self.neuron_folds


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedDots(Stage):
    """The dot units of shared kernels: fill a table with the dot products of all kernels."""

    pixels: int
    tables: int
    """Tables per pixel, one after another; each for as many input kernels as work at once."""
    fill_cycles: int
    """Cycles of a table."""
    banks: Fifo
    """Filled banks, and as space the free ones."""
    letter = "L"
    role = "shared dot products"

    @property
    def cycles(self) -> int:
        """Cycles per image: pixels x tables x fill cycles."""
        return self.pixels * self.tables * self.fill_cycles


@dataclass(frozen=True, eq=False, kw_only=True)
class FetchAdd(Stage):
    """The PEs of shared kernels: fetch an entry by index for every output, and add it."""

    pixels: int
    tables: int
    neuron_folds: int
    """Cycles in which the PEs add entries of a table to all outputs."""
    banks: Fifo
    letter = "M"
    role = "fetch and add"

    @property
    def cycles(self) -> int:
        """Cycles per image: pixels x tables x neuron folds."""
        return self.pixels * self.tables * self.neuron_folds
