"""A program: the sections of a run, and the machine's words and rates for them."""

from dataclasses import dataclass
from typing import NamedTuple

from simulator.program.checks import check
from simulator.program.contract import Category, Channel, Command, Kind, Unit
from simulator.program.parts import ProgramParts
from simulator.program.section import Section
from simulator.program.vocabulary import Vocabulary


class Shape(NamedTuple):
    """What programs have in common that differ only in names and rates; equal if they do."""

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    channels: tuple[tuple[Channel, int], ...]
    """With the tokens that they start with."""
    categories: tuple[Category, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Program(ProgramParts):
    """Every unit runs its part of the first section, then of the next.

    Raises:
        ProgramError: it breaks the contract; see `simulator.program.checks`.

    """

    def __post_init__(self) -> None:
        """Check it."""
        check(self)

    @property
    def shape(self) -> Shape:
        """Everything but names of sections and rates."""
        return Shape(
            units=self.units,
            kinds=self.kinds,
            channels=tuple(self.channels.items()),
            categories=self.categories or self.named_categories,
            sections=self.sections,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """Its units, kinds, channels and categories in words."""
        return Vocabulary.of(
            self.units,
            self.kinds,
            self.channels,
            self.categories or self.named_categories,
            dram=self.dram,
            ports=self.ports,
        )

    @property
    def commands(self) -> int:
        """Commands, written out."""
        return sum(section.commands for section in self.sections)

    def cycles(self, command: Command) -> int:
        """Cycles for which a command occupies its unit, unless it is served."""
        rate = command.kind.rate
        return command.cycles + (0 if rate is None else self.rates[rate].cycles(command.bytes))

    def latency(self, command: Command) -> int:
        """Cycles from a command's end until its result is ready, unless it is served."""
        rate = command.kind.rate
        return 0 if rate is None else self.rates[rate].latency
