"""A dense systolic array: layers as matrix products, tiled into folds."""

from simulator.machines.systolic.family import FAMILY
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.mapper import map_workload
from simulator.machines.systolic.schema import Systolic

__all__ = ["FAMILY", "MappedLayer", "Systolic", "map_workload"]
