"""A check of the array's results: every binary layer in integers, against direct convolution."""

from simulator.check.check import (
    CheckResult,
    Difference,
    LayerCheck,
    check_workload,
    read_input,
)

__all__ = ["CheckResult", "Difference", "LayerCheck", "check_workload", "read_input"]
