"""The contract: every unit has its own program, and units interact only through channels.

A command *takes* tokens from channels before it starts. It *gives* tokens when its result is ready,
or, with `begins`, when it starts:

    start = max(end of the unit's previous command, time of the last token that it takes)
    end   = start + cycles
    ready = end + latency

A channel numbers its tokens by section, and within a section in the giver's order. The n-th token
taken is the n-th token given. Counts alone therefore decide which command can run next. The result
does not depend on the order in which an engine visits the units.
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
    """The name in reports and errors."""
    letter: str = ""
    """The name in narrow tables; "": the first letter of its name."""
    dram: Literal["", "read", "write"] = ""
    """The direction in which its bytes cross the DRAM interface; "": they do not cross it."""
    layer: str = ""
    """The name of the layer that it works for, if all layers run at once; "": it works for every
    layer, one section after the other."""
    role: str = ""
    """The name of its work in reports, which several units may share; "": the title."""


class Balance(Enum):
    """The span over which a channel's giver gives as many tokens as its taker takes."""

    SECTION = "section"
    """Every section."""
    EDGE = "edge"
    """The whole program; no section takes tokens that a later section gives."""
    SPACE = "space"
    """The whole program; a section may take space that a later section gives."""


class Amount(NamedTuple):
    """A number of tokens of one channel."""

    channel: "Channel"
    tokens: int

    def __bool__(self) -> bool:
        """True if the number of tokens is not 0."""
        return self.tokens != 0


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """A stream of tokens that one unit gives and another takes."""

    name: str
    title: str
    """The token's name in reports of waits, as in "waits for a free LUT bank"."""
    balance: Balance = Balance.SECTION
    fifo: str = ""
    """The name of the FIFO whose words or free places its tokens are; "": of none."""
    side: Literal["", "items", "space"] = ""
    """`items`: words in the FIFO, which its reader takes. `space`: free places, which its writer
    takes. "": not a FIFO's."""
    one: Amount = field(init=False, repr=False)
    """The amount of one token, which the channel alone means."""

    def __post_init__(self) -> None:
        """Make the amount of one token."""
        object.__setattr__(self, "one", Amount(self, 1))

    def __call__(self, tokens: int) -> Amount:
        """Return an amount of this channel's tokens, as in `INDEX_BUFFER(640)`."""
        return Amount(self, tokens)


Tokens = tuple[Amount, ...]
Given = Iterable[Amount | Channel | bool | None]
"""Tokens in unit programs: `BANK` is one token; false entries and 0 tokens have no effect."""


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """A category of cycles on the critical path."""

    name: str
    title: str
    """The name in reports."""
    noun: str = ""
    """The name in sentences, as in "more time in weight transfers"; "": the title. Categories with
    the same noun form one reason."""
    short: str = ""
    """The name in narrow columns; "": the title."""
    color: str = ""
    """The color in charts, such as "#0072B2"; "": the chart's choice."""
    hideable: bool = False
    """True if it is a transfer, which compute may hide."""


class CountsAs(NamedTuple):
    """The categories of a command's cycles on the critical path."""

    busy: Category
    """The category of cycles in which the command occupies its unit."""
    latency: Category | None = None
    """The category of cycles from the command's end until its result is ready; None: `busy`."""
    penalty: Category | None = None
    """The category of the command's penalty cycles; None: `busy`."""
    entry: Category | None = None
    """The category of all other cycles of a command that starts in the first cycle of the section's
    time, unless that is cycle 0. Previous sections delayed such a command. None: as usual."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of command."""

    name: str
    unit: Unit
    rate: str | None = None
    """The name of the rate at which its bytes move; None: bytes cost no cycles."""
    counts_as: CountsAs | None = None
    """The categories of its cycles; None: a category with the kind's own name."""
    side: str = ""
    """The side of a PE that its commands keep busy; "": no PE works. A PE is as busy as its busiest
    side."""
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
    """A piece of work for one unit."""

    kind: Kind
    cycles: int
    """Cycles in addition to the cycles of its bytes."""
    penalty: int
    """The part of `cycles` that has its own cause, such as LUT conflicts."""
    bytes: int
    pes: int
    """The number of PEs that work."""
    steps: int
    """Steps by which its unit advances when the command ends."""
    takes: Tokens
    gives: Tokens
    """Tokens that the command gives when its result is ready."""
    begins: Tokens
    """Tokens that the command gives when it starts."""


class Skip(NamedTuple):
    """Steps that a unit skips without a command."""

    steps: int


class Loop(NamedTuple):
    """A repeated body."""

    times: int
    body: "Body"


Body = tuple[Command | Skip | Loop, ...]
"""A part of a unit's program."""


class Rate(NamedTuple):
    """A rate of transfers: ceil(bytes / bytes_per_cycle) cycles, usable `latency` cycles later."""

    bytes_per_cycle: Fraction
    latency: int = 0

    def cycles(self, size: int) -> int:
        """Return the cycles of a transfer of `size` bytes."""
        return -(-size * self.bytes_per_cycle.denominator // self.bytes_per_cycle.numerator)


def _tokens(given: Given) -> Tokens:
    """Return the amounts that are not 0; `True` and foreign objects have no attribute `one`."""
    try:
        # the error below covers foreign objects
        return tuple([x if isinstance(x, Amount) else x.one for x in given if x])  # type: ignore[union-attr]
    except AttributeError:
        raise TypeError(f"{given!r}: neither a channel nor an amount of one") from None
