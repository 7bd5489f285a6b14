"""The parts that a program is made of, before they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.program.contract import Category, Channel, Kind, Rate, Unit
from simulator.program.section import Section
from simulator.program.served import SharedDram, SharedPort


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramParts:
    """Sections, and the machine's words and rates for them."""

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
    categories: tuple[Category, ...] = ()
    """In the order of reports; if there are any, all that kinds, DRAM and ports name."""

    @property
    def named_categories(self) -> tuple[Category, ...]:
        """The categories that kinds, DRAM and ports name, each once."""
        named = [each for kind in self.kinds for each in kind.counts_as or () if each is not None]
        if self.dram is not None:
            named += [self.dram.row_miss, self.dram.refresh]
        named += [port.conflict for port in self.ports]
        return tuple(dict.fromkeys(named))
