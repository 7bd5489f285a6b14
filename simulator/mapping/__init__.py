"""Workload and machine -> a program of the old contract, which the fast engine runs."""

from simulator.mapping.mapper import Mapping, map_workload

__all__ = ["Mapping", "map_workload"]
