"""The vocabulary of a trace, which is also in the trace's file: a reader needs no machine."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Self

from msgspec import Struct

from simulator.program.contract import Category, Channel, CountsAs, Kind, Unit
from simulator.program.served import SharedDram, SharedPort


class Term(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit, a channel, or a category."""

    name: str
    """The name in files."""
    title: str
    """The name of a unit or category in reports; for a channel, the name of its token."""


class UnitTerm(Term, frozen=True, forbid_unknown_fields=True):
    """A unit."""

    letter: str = ""
    """The name in narrow tables."""
    dram: Literal["", "read", "write"] = ""
    """The direction in which its bytes cross the DRAM interface; "": they do not cross it."""
    layer: str = ""
    """The name of the layer that it works for, if all layers run at once; "": for every layer."""
    role: str = ""
    """The name of its work, which several units may share."""


class ChannelTerm(Term, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A channel."""

    fifo: str = ""
    """The name of the FIFO that it belongs to; "": none."""
    side: Literal["", "items", "space"] = ""
    """Its tokens are the words in the FIFO, or the free places."""


class CategoryTerm(Term, frozen=True, forbid_unknown_fields=True):
    """A category of cycles on the critical path."""

    noun: str = ""
    """The name in sentences; categories with the same noun form one reason."""
    short: str = ""
    """The name in narrow columns."""
    color: str = ""
    """The color in charts; "": the chart's choice."""
    hideable: bool = False
    """True if it is a transfer, which compute may hide."""

    @classmethod
    def of(cls, category: Category) -> Self:
        """Return the term of a category."""
        return cls(
            name=category.name,
            title=category.title,
            noun=category.noun or category.title,
            short=category.short or category.title,
            color=category.color,
            hideable=category.hideable,
        )


class KindTerm(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of command."""

    name: str
    unit: str
    """The name of the unit that runs it."""
    category: str
    """The name of the category of its cycles on the critical path."""
    latency_category: str
    """The name of the category of cycles from its end until its result is ready."""
    penalty_category: str
    """The name of the category of its penalty cycles."""
    entry_category: str = ""
    """The name of the category of all other cycles of a command that starts when its layer's time
    begins, after cycle 0; "": as usual."""
    side: str = ""
    """The side of a PE that its commands keep busy; "": no PE works."""
    in_steps: bool = False
    """True if a step lasts from the first of its commands to the last."""


class Vocabulary(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The units, kinds, channels and categories; columns and sums number them in this order.

    Raises:
        ValueError: two terms have the same name, a kind's unit is not among the units, a category
            is not among the categories, or only some units have a layer.

    """

    units: tuple[UnitTerm, ...]
    kinds: tuple[KindTerm, ...]
    """The kinds of commands, in the order of their priority as causes of the same cycle."""
    channels: tuple[ChannelTerm, ...]
    categories: tuple[CategoryTerm, ...]
    """The categories of cycles on the critical path, in the order of reports."""
    row_miss: str = ""
    """The name of the category of a DRAM's row misses; "": no such cycles."""
    refresh: str = ""
    """The name of the category of a DRAM's refreshes; "": no such cycles."""
    conflict: str = ""
    """The name of the category of cycles lost at a port; "": no such cycles."""

    def __post_init__(self) -> None:
        """Check the names."""
        units = names(self.units)
        categories = names(self.categories)
        for words in (units, names(self.kinds), names(self.channels), categories):
            if len(set(words)) < len(words):
                raise ValueError(f"a name occurs twice in {', '.join(words)}")
        for kind in self.kinds:
            if kind.unit not in units:
                raise ValueError(f"the unit {kind.unit!r} of {kind.name!r} is not in the list")
        for category in self._named():
            if category not in categories:
                raise ValueError(f"the category {category!r} is not in the list")
        if self.at_once and not all(unit.layer for unit in self.units):
            raise ValueError("some units have a layer, others do not")

    def _named(self) -> Iterator[str]:
        """Yield the names of the categories that kinds, DRAM and ports name."""
        for kind in self.kinds:
            yield from (kind.category, kind.latency_category, kind.penalty_category)
        optional = (kind.entry_category for kind in self.kinds)
        yield from filter(None, (*optional, self.row_miss, self.refresh, self.conflict))

    @classmethod
    def of(
        cls,
        units: Iterable[Unit],
        kinds: Sequence[Kind],
        channels: Iterable[Channel],
        categories: Iterable[Category],
        *,
        dram: SharedDram | None = None,
        ports: Sequence[SharedPort] = (),
    ) -> Self:
        """Return the vocabulary of a program or a machine.

        Args:
            units: the units.
            kinds: the kinds of commands.
            channels: the channels.
            categories: all categories that kinds, DRAM and ports name. A kind that names none adds
                one of its own.
            dram: the DRAM, if it has a timing table.
            ports: the single-ported buffers.

        """
        own = [Category(kind.name, kind.name) for kind in kinds if kind.counts_as is None]
        return cls(
            units=tuple(map(_unit_term, units)),
            kinds=tuple(map(_kind_term, kinds)),
            channels=tuple(map(_channel_term, channels)),
            categories=tuple(map(CategoryTerm.of, (*categories, *own))),
            row_miss="" if dram is None else dram.row_miss.name,
            refresh="" if dram is None else dram.refresh.name,
            conflict=ports[0].conflict.name if ports else "",
        )

    @property
    def at_once(self) -> bool:
        """True if all layers run at once: units work for one layer each."""
        return any(unit.layer for unit in self.units)

    @property
    def category_layers(self) -> dict[str, set[str]]:
        """The layers of the units whose kinds name each category; none if only others name it."""
        layer_of = {unit.name: unit.layer for unit in self.units}
        layers: dict[str, set[str]] = {category.name: set() for category in self.categories}
        for kind in self.kinds:
            for category in (kind.category, kind.latency_category, kind.penalty_category):
                layers[category].add(layer_of[kind.unit])
        return layers

    def dram_units(self, direction: Literal["read", "write"]) -> list[int]:
        """Return the numbers of the units whose bytes cross the DRAM interface in a direction."""
        return [number for number, unit in enumerate(self.units) if unit.dram == direction]

    @property
    def sides(self) -> dict[str, list[int]]:
        """The sides of a PE, each with the numbers of the kinds that keep it busy."""
        sides: dict[str, list[int]] = {}
        for number, kind in enumerate(self.kinds):
            if kind.side:
                sides.setdefault(kind.side, []).append(number)
        return sides


def _unit_term(unit: Unit) -> UnitTerm:
    return UnitTerm(
        name=unit.name,
        title=unit.title,
        letter=unit.letter or unit.name[:1].upper(),
        dram=unit.dram,
        layer=unit.layer,
        role=unit.role or unit.title,
    )


def _channel_term(channel: Channel) -> ChannelTerm:
    return ChannelTerm(name=channel.name, title=channel.title, fifo=channel.fifo, side=channel.side)


def _kind_term(kind: Kind) -> KindTerm:
    counts = kind.counts_as or CountsAs(Category(kind.name, kind.name))
    return KindTerm(
        name=kind.name,
        unit=kind.unit.name,
        category=counts.busy.name,
        latency_category=(counts.latency or counts.busy).name,
        penalty_category=(counts.penalty or counts.busy).name,
        entry_category="" if counts.entry is None else counts.entry.name,
        side=kind.side,
        in_steps=kind.in_steps,
    )


def names(terms: Iterable[Term | KindTerm]) -> tuple[str, ...]:
    """Return the names of some terms."""
    return tuple(term.name for term in terms)
