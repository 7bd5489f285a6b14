"""The networks to simulate: layers with their shapes and kernel sets, without hardware."""

from simulator.workload.layer import Layer
from simulator.workload.loading import load_workload
from simulator.workload.precision import configure
from simulator.workload.workload import Workload

__all__ = ["Layer", "Workload", "configure", "load_workload"]
