"""The paper's machine: an array of PEs with a LUT of dot products each."""

from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.mapper import Mapping, map_workload

__all__ = ["MappedLayer", "Mapping", "map_workload"]
