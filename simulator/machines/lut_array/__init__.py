"""The paper's machine: an array of PEs with a LUT of dot products each."""

from simulator.machines.lut_array.family import FAMILY

__all__ = ["FAMILY"]
