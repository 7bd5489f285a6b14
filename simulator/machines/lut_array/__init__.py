"""The paper's accelerator: an array of PEs, each with a LUT of dot products."""

from simulator.machines.lut_array.family import FAMILY

__all__ = ["FAMILY"]
