"""The machine families, and the checked contents of `hw_configs/*.yaml`."""

from simulator.machines.energy import EnergyTable, load_energy
from simulator.machines.hardware import Hardware, value_of
from simulator.machines.loading import load_hardware

__all__ = ["EnergyTable", "Hardware", "load_energy", "load_hardware", "value_of"]
