"""A program's shared resources, whose timing depends on concurrent accesses.

Functions give the addresses and words: one entry per command of a unit, in the unit's order over
the whole program. Commands therefore stay equal, and loops stay loops.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from simulator.program.contract import Category, Unit

if TYPE_CHECKING:
    from simulator.dram import Timing

Addresses = Callable[[], Iterable[int]]
"""The address of the first byte that each of a unit's commands transfers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedDram:
    """A DRAM with a timing table that several DMA units share."""

    timing: "Timing"
    gap: Fraction
    """Array cycles between two bursts of one unit, at the unit's own rate."""
    streams: Mapping[Unit, Addresses]
    """The addresses of each unit's transfers; the units are in the order of their turns."""
    writers: frozenset[Unit]
    """The units that write."""
    row_miss: Category
    """The category of cycles in which a transfer waits for its row to open."""
    refresh: Category
    """The category of cycles in which a transfer waits for a refresh."""


class Words(NamedTuple):
    """Consecutive words of a buffer; its port reads or writes one word per cycle."""

    first: int
    length: int


WordsOf = Callable[[], Iterable[Words]]
"""The words that each of a unit's commands reads or writes; a length of 0 means none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedPort:
    """A buffer whose banks each read or write one word per cycle; writes come first."""

    reader: Unit
    """The unit whose commands begin by reading their words, one per cycle, at no other port."""
    writer: Unit
    """The unit whose results the buffer writes, one word per cycle, as soon as they are ready."""
    banks: int
    """Word n belongs to bank n mod `banks`."""
    read: WordsOf
    """The words that each of the reader's commands reads, at most one per cycle of the command."""
    written: WordsOf
    """The words that the results of the writer's commands occupy."""
    conflict: Category
    """The category of cycles that the reader loses; all ports of a program name the same one."""
