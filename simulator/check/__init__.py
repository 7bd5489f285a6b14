"""What the array computes: every binary layer in integers, compared with a direct convolution."""

from simulator.check.check import (
    CheckResult,
    Difference,
    LayerCheck,
    check_workload,
    read_input,
)

__all__ = ["CheckResult", "Difference", "LayerCheck", "check_workload", "read_input"]
