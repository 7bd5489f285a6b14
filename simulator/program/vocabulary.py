"""The words for what runs: they travel with a trace and its file, so no reader needs a machine."""

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from simulator.program.contract import Channel, Kind, Unit


class Term(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit or a channel."""

    name: str
    """As files call it."""
    title: str
    """As reports call a unit, and what a command that lacks a channel's token waits for."""


class KindTerm(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of command."""

    name: str
    unit: str
    """Name of the unit that runs it."""


class Vocabulary(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Units, kinds and channels; the columns of a trace number them in this order.

    Raises:
        ValueError: two words have one name, or a kind's unit is not among the units.

    """

    units: tuple[Term, ...]
    kinds: tuple[KindTerm, ...]
    """In the order in which causes of the same cycle are named."""
    channels: tuple[Term, ...]

    def __post_init__(self) -> None:
        """Check the names."""
        units = names(self.units)
        for words in (units, names(self.kinds), names(self.channels)):
            if len(set(words)) < len(words):
                raise ValueError(f"a name occurs twice in {', '.join(words)}")
        for kind in self.kinds:
            if kind.unit not in units:
                raise ValueError(f"the unit {kind.unit!r} of {kind.name!r} is not in the list")

    @classmethod
    def of(cls, units: Iterable[Unit], kinds: Iterable[Kind], channels: Iterable[Channel]) -> Self:
        """Return the words of a machine."""
        return cls(
            units=tuple(Term(unit.name, unit.title) for unit in units),
            kinds=tuple(KindTerm(kind.name, kind.unit.name) for kind in kinds),
            channels=tuple(Term(channel.name, channel.title) for channel in channels),
        )


def names(terms: Iterable[Term | KindTerm]) -> tuple[str, ...]:
    """Return the names of some words."""
    return tuple(term.name for term in terms)
