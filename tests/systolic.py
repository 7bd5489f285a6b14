"""Builders of systolic arrays."""

from typing import Any

from simulator.machines.loading import hardware_from, read_hardware
from simulator.machines.systolic import Systolic

DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
SMALL: dict[str, Any] = {
    "array.rows": 4,
    "array.columns": 4,
    "array.pe.dot_width": 1,
    "memory.dram.bytes_per_cycle": 4,
    "memory.dram.latency_cycles": 10,
    "memory.dram.burst_bytes": 8,
    "memory.input_scratchpad.kib": 1,
    "memory.weight_scratchpad.kib": 1,
    "memory.weight_scratchpad.buffers": 2,
    "memory.output_scratchpad.kib": 1,
    "memory.transfer_steps": 8,
}
"""An array of 4 x 4 PEs on which small layers have many folds and pieces."""
IDEAL = {"memory.ideal": True}


def systolic(overrides: dict[str, Any] | None = None) -> Systolic:
    """tpu-like with some keys overridden."""
    machine = hardware_from(read_hardware("tpu-like"), overrides or {}, "a test")
    assert isinstance(machine, Systolic)
    return machine
