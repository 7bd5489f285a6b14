"""What the mapper makes: for every layer its plan, the mapper's choices and its section."""

from dataclasses import dataclass

from simulator.base.columns import Ints
from simulator.machines.lut_array.plan import InputReuse, LayerPlan, WeightReuse
from simulator.program import Command, Section, Unit
from simulator.program.written import written


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer:
    """What the mapper chose for a layer, and its section of the program."""

    plan: LayerPlan
    weights: WeightReuse
    """How long weight tiles stay in the index buffer."""
    inputs: InputReuse
    """Buffering scheme of the inputs."""
    section: Section

    def commands(self, unit: Unit) -> list[Command]:
        """Commands of a unit, in the order in which they run."""
        out = written(self.section.bodies.get(unit, ()))
        return [out.commands[index] for index in out.index.tolist()]

    def steps(self, unit: Unit) -> Ints:
        """Step of each command of a unit."""
        return written(self.section.bodies.get(unit, ())).step
