"""A check of a machine's results: binary layers, or a whole network, against plain numpy."""

from simulator.check.check import check_workload, read_input
from simulator.check.comparison import Difference, LayerCheck
from simulator.check.result import CheckResult, Classes

__all__ = ["CheckResult", "Classes", "Difference", "LayerCheck", "check_workload", "read_input"]
