"""A program: the sections of a run, with the machine's vocabulary and rates."""

from dataclasses import dataclass
from typing import NamedTuple

from simulator.program.checks import check
from simulator.program.contract import Category, Channel, Command, Kind, Unit
from simulator.program.parts import ProgramParts
from simulator.program.section import Section
from simulator.program.vocabulary import Vocabulary


class Shape(NamedTuple):
    """A program without section names and rates; equal for programs that differ only in these."""

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    channels: tuple[tuple[Channel, int], ...]
    """The channels, each with its initial number of tokens."""
    categories: tuple[Category, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Program(ProgramParts):
    """A program: every unit runs its part of the first section, then of the next section.

    Raises:
        ProgramError: the program breaks the contract; see `simulator.program.checks`.

    """

    def __post_init__(self) -> None:
        """Check the program."""
        check(self)

    @property
    def shape(self) -> Shape:
        """The program without section names and rates."""
        return Shape(
            units=self.units,
            kinds=self.kinds,
            channels=tuple(self.channels.items()),
            categories=self.categories or self.named_categories,
            sections=self.sections,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The terms for its units, kinds, channels and categories."""
        return Vocabulary.of(
            self.units,
            self.kinds,
            self.channels,
            self.categories or self.named_categories,
            dram=self.dram,
            ports=self.ports,
        )

    @property
    def owners(self) -> list[int]:
        """[units] the layer of each unit, as an index into `names`, if all layers run at once."""
        return [self.names.index(unit.layer) for unit in self.units]

    @property
    def commands(self) -> int:
        """The number of commands, with loops unrolled."""
        return sum(section.commands for section in self.sections)

    def cycles(self, command: Command) -> int:
        """Return the cycles for which a command occupies its unit.

        A shared DRAM or port that serves the command changes this number.
        """
        rate = command.kind.rate
        return command.cycles + (0 if rate is None else self.rates[rate].cycles(command.bytes))

    def latency(self, command: Command) -> int:
        """Return the cycles from a command's end until its result is ready.

        A shared DRAM or port that serves the command changes this number.
        """
        rate = command.kind.rate
        return 0 if rate is None else self.rates[rate].latency
