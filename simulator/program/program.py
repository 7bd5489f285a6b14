"""A program: the sections of a run, and the machine's words and rates for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.program.checks import check
from simulator.program.contract import Channel, Command, Kind, Rate, Unit
from simulator.program.section import Section
from simulator.program.served import SharedDram, SharedPort
from simulator.program.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """Every unit runs its part of the first section, then of the next.

    Raises:
        ProgramError: it breaks the contract; see `simulator.program.checks`.

    """

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    """In the order in which causes of the same cycle are named."""
    channels: Mapping[Channel, int]
    """Every channel with the tokens that it starts with."""
    sections: tuple[Section, ...]
    names: tuple[str, ...]
    """Of the sections."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    dram: SharedDram | None = None
    """If there is one, it decides when the commands of its units end and are ready."""
    ports: tuple[SharedPort, ...] = ()
    """They lengthen commands that read while another result is written."""

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
