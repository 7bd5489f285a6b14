"""A dense systolic array: layers as matrix products, tiled into folds."""

from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.mapper import Mapping, map_workload
from simulator.machines.systolic.schema import Systolic

__all__ = ["MappedLayer", "Mapping", "Systolic", "map_workload"]
