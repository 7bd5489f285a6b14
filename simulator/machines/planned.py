"""A layer as a mapper plans it: the parts of `MappedLayer` that all machines with plans share."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from simulator.base.columns import Ints
from simulator.program import Command, Section, Unit
from simulator.program.written import written
from simulator.workload import Layer


class Plan(Protocol):
    """The mapper's decisions for a layer, as numbers."""

    @property
    def layer(self) -> Layer:
        """The layer of the network."""
        ...

    @property
    def batch(self) -> int:
        """Images per run."""
        ...


P = TypeVar("P", bound=Plan)


def commands_of(section: Section, unit: Unit) -> list[Command]:
    """Commands of a unit in a section, in the order in which they run."""
    out = written(section.bodies.get(unit, ()))
    return [out.commands[index] for index in out.index.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLayer(Generic[P]):
    """A layer's plan and its section of the program."""

    plan: P
    section: Section

    @property
    def layer(self) -> Layer:
        """The layer of the network."""
        return self.plan.layer

    @property
    def batch(self) -> int:
        """Images per run."""
        return self.plan.batch

    def commands(self, unit: Unit) -> list[Command]:
        """Commands of a unit, in the order in which they run."""
        return commands_of(self.section, unit)

    def steps(self, unit: Unit) -> Ints:
        """[commands] step of each command of a unit."""
        return written(self.section.bodies.get(unit, ())).step
