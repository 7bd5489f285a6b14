"""The parts of a program, before their check."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.program.contract import Category, Channel, Kind, Rate, Unit
from simulator.program.section import Section
from simulator.program.served import SharedDram, SharedPort


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramParts:
    """Sections, with the machine's vocabulary and rates."""

    units: tuple[Unit, ...]
    kinds: tuple[Kind, ...]
    """The kinds of commands, in the order of their priority as causes of the same cycle."""
    channels: Mapping[Channel, int]
    """Every channel with its initial number of tokens."""
    sections: tuple[Section, ...]
    names: tuple[str, ...]
    """The names of the layers: of the sections, or, if every unit has a layer, of all layers. In
    the second case the program has one section, and its layers run at once."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    dram: SharedDram | None = None
    """The shared DRAM, if any. It decides when the commands of its units end and are ready."""
    ports: tuple[SharedPort, ...] = ()
    """Single-ported buffers. They lengthen commands that read during a write of another result."""
    categories: tuple[Category, ...] = ()
    """The categories in the order of reports: none, or all that kinds, DRAM and ports name."""

    @property
    def at_once(self) -> bool:
        """True if all layers run at once: units work for one layer each."""
        return any(unit.layer for unit in self.units)

    @property
    def named_categories(self) -> tuple[Category, ...]:
        """The categories that kinds, DRAM and ports name, each once."""
        named = [each for kind in self.kinds for each in kind.counts_as or () if each is not None]
        if self.dram is not None:
            named += [self.dram.row_miss, self.dram.refresh]
        named += [port.conflict for port in self.ports]
        return tuple(dict.fromkeys(named))
