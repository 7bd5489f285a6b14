"""A program: the sections of a run, and the machine's words and rates for them."""

from dataclasses import dataclass

from simulator.program.checks import check
from simulator.program.contract import Command
from simulator.program.parts import ProgramParts
from simulator.program.vocabulary import Vocabulary


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
    def vocabulary(self) -> Vocabulary:
        """Its units, kinds and channels in words."""
        return Vocabulary.of(self.units, self.kinds, self.channels)

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
