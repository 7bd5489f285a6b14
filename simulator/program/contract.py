"""The contract: every unit has a program of its own, and units meet only in channels.

A command *takes* tokens from channels before it starts. It *gives* tokens when its result is ready,
or, with `begins`, when it starts:

    start = max(end of the unit's previous command, when everything it takes has been given)
    end   = start + cycles
    ready = end + latency

Tokens of a channel are numbered by section, and within a section in the giver's order. The n-th
token taken is the n-th token given. Counts alone therefore decide which command can run next, and a
result does not depend on the order in which an engine looks at units.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A part of a machine that runs one command at a time."""

    name: str
    title: str
    """As reports and errors call it."""
    letter: str = ""
    """As narrow tables call it; "": the first letter of its name."""
    dram: Literal["", "read", "write"] = ""
    """The direction in which its bytes cross the DRAM interface; "": they do not."""


class Balance(Enum):
    """The span over which a channel's giver gives what its taker takes."""

    SECTION = "section"
    """Every section."""
    EDGE = "edge"
    """The whole program; no section takes what a later section gives."""
    SPACE = "space"
    """The whole program; a section may take space that a later section gives."""


class Amount(NamedTuple):
    """A number of tokens of one channel."""

    channel: "Channel"
    tokens: int

    def __bool__(self) -> bool:
        """Whether it is more than nothing."""
        return self.tokens != 0


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """What one unit gives and another takes, counted."""

    name: str
    title: str
    """What a command that lacks a token waits for, as in "waits for a free LUT bank"."""
    balance: Balance = Balance.SECTION
    one: Amount = field(init=False, repr=False)
    """One token, which a channel by itself stands for."""

    def __post_init__(self) -> None:
        """Make the amount of one token."""
        object.__setattr__(self, "one", Amount(self, 1))

    def __call__(self, tokens: int) -> Amount:
        """So many tokens: `INDEX_BUFFER(640)`."""
        return Amount(self, tokens)


Tokens = tuple[Amount, ...]
Given = Iterable[Amount | Channel | bool | None]
"""Tokens as unit programs write them: `BANK` is one token; false entries and 0 tokens drop out."""


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """What cycles on the critical path are spent on."""

    name: str
    title: str
    """As reports call it."""
    noun: str = ""
    """As sentences call it, as in "more time in weight transfers"; "": the title. Categories of one
    noun are one reason."""
    short: str = ""
    """As narrow columns call it; "": the title."""
    color: str = ""
    """In charts, such as "#0072B2"; "": the chart's choice."""
    hideable: bool = False
    """True if it is a transfer, which compute may hide."""


class CountsAs(NamedTuple):
    """Categories of the cycles of a command on the critical path."""

    busy: Category
    """Cycles in which it occupies its unit,"""
    latency: Category | None = None
    """and those from its end until its result is ready; None: as busy."""
    penalty: Category | None = None
    """Its penalty; None: as busy."""
    entry: Category | None = None
    """All other cycles of a command that starts in the very cycle in which the section's time
    begins, unless that is cycle 0: the sections before held it. None: nothing special."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of command."""

    name: str
    unit: Unit
    rate: str | None = None
    """The machine's rate at which its bytes move; None: bytes cost no cycles."""
    counts_as: CountsAs | None = None
    """None: a category of the kind's own name."""
    side: str = ""
    """The side of a PE that its commands keep at work; "": no PE works. A PE is as busy as its
    busiest side."""
    in_steps: bool = False
    """True if a step lasts from the first of its commands to the last; steps do not overlap."""

    def __call__(
        self,
        *,
        cycles: int = 0,
        penalty: int = 0,
        bytes: int = 0,
        pes: int = 0,
        steps: int = 0,
        takes: Given = (),
        gives: Given = (),
        begins: Given = (),
    ) -> "Command":
        """Return a command of this kind; see `Command` for the arguments."""
        taken, given = _tokens(takes), _tokens(gives)
        begun = _tokens(begins) if begins else ()
        return Command(self, cycles, penalty, bytes, pes, steps, taken, given, begun)


class Command(NamedTuple):
    """Work on one unit."""

    kind: Kind
    cycles: int
    """Cycles in addition to those of its bytes."""
    penalty: int
    """Of its cycles, those that have a cause of their own, such as LUT conflicts."""
    bytes: int
    pes: int
    """PEs that work."""
    steps: int
    """Steps by which its unit advances when it is done."""
    takes: Tokens
    gives: Tokens
    """Given when its result is ready."""
    begins: Tokens
    """Given when it starts."""


class Skip(NamedTuple):
    """Steps that a unit passes over without a command."""

    steps: int


class Loop(NamedTuple):
    """A body, several times."""

    times: int
    body: "Body"


Body = tuple[Command | Skip | Loop, ...]
"""A part of a unit's program."""


class Rate(NamedTuple):
    """Cost of a transfer: ceil(bytes / bytes_per_cycle) cycles, usable `latency` cycles later."""

    bytes_per_cycle: Fraction
    latency: int = 0

    def cycles(self, size: int) -> int:
        """Cycles of a transfer of `size` bytes."""
        return -(-size * self.bytes_per_cycle.denominator // self.bytes_per_cycle.numerator)


def _tokens(given: Given) -> Tokens:
    """Amounts that are not 0; `True` and other strangers have no attribute `one`."""
    try:
        # a stranger is what the error below is for
        return tuple([x if isinstance(x, Amount) else x.one for x in given if x])  # type: ignore[union-attr]
    except AttributeError:
        raise TypeError(f"{given!r}: neither a channel nor an amount of one") from None
