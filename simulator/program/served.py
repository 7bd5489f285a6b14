"""What a program declares of parts whose timing depends on who else asks, and when.

Addresses and words come from functions that return one entry per command of a unit, in the unit's
order over the whole program. Commands therefore stay equal, and loops stay loops.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from simulator.program.contract import Category, Unit

if TYPE_CHECKING:
    from simulator.dram import Timing

Addresses = Callable[[], Iterable[int]]
"""First byte of the transfer of each of a unit's commands."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedDram:
    """A DRAM with a timing table that several DMA units share."""

    timing: "Timing"
    gap: Fraction
    """Array cycles between two bursts of one unit, at the unit's own rate."""
    streams: Mapping[Unit, Addresses]
    """Its units, in the order in which they take turns."""
    writers: frozenset[Unit]
    """The units that write."""
    row_miss: Category
    """Cycles in which a transfer waits for its row to be opened,"""
    refresh: Category
    """and for a refresh."""


class Words(NamedTuple):
    """Consecutive words of a buffer; a word is what its port reads or writes in a cycle."""

    first: int
    length: int


WordsOf = Callable[[], Iterable[Words]]
"""Words that each of a unit's commands reads or writes; a length of 0 is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedPort:
    """A buffer whose banks read or write one word in a cycle; writing comes first."""

    reader: Unit
    """Its commands begin by reading their words, one per cycle; it reads at no other port."""
    writer: Unit
    """Its commands' results are written, a word per cycle, from when they are ready."""
    banks: int
    """Word n belongs to bank n mod `banks`."""
    read: WordsOf
    """Words that the reader's commands read, no more than their cycles."""
    written: WordsOf
    """Words that the results of the writer's commands occupy."""
    conflict: Category
    """Cycles that the reader loses; all ports of a program name the same."""
