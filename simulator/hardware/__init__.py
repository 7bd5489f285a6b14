"""What a network runs on: the checked contents of `hw_configs/*.yaml`. Knows no network."""

from simulator.hardware.config import Hardware, load_hardware, value_of
from simulator.hardware.energy import EnergyTable, load_energy

__all__ = ["EnergyTable", "Hardware", "load_energy", "load_hardware", "value_of"]
