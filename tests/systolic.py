"""Builders of systolic arrays."""

from typing import Any

from simulator.base.inputs import convert, read_yaml
from simulator.machines.systolic import Systolic
from simulator.machines.systolic.schema import SystolicFile
from tests.conftest import ROOT

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
    path = ROOT / "hw_configs/tpu-like.yaml"
    data = read_yaml(path)
    for key, value in (overrides or {}).items():
        *sections, last = key.split(".")
        inner = data
        for section in sections:
            inner = inner[section]
        inner[last] = value
    file = convert(data, SystolicFile, str(path))
    return Systolic(**{name: getattr(file, name) for name in file.__struct_fields__})
