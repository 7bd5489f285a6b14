"""What the mapper makes of a layer: its plan, its records and its section."""

from dataclasses import dataclass

from simulator.machines.systolic import records
from simulator.machines.systolic.plan import LayerPlan
from simulator.program import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLayer:
    """What the mapper decided for a layer, and its section of the program."""

    plan: LayerPlan
    records: records.Layer
    section: Section
