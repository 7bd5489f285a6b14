"""How: (workload, hardware) -> program."""

from simulator.mapping.mapper import MappedLayer, Mapping, map_workload

__all__ = ["MappedLayer", "Mapping", "map_workload"]
