"""Run inside ZigZag's environment: workload and array side -> cycles.json, one per layer."""

import json
import sys
from pathlib import Path

import yaml
import zigzag
from zigzag.api import get_hardware_performance_zigzag

workload, side = sys.argv[1], int(sys.argv[2])
shipped = Path(zigzag.__file__).parent / "inputs"
accelerator = yaml.safe_load((shipped / "hardware/tpu_like.yaml").read_text())
accelerator["operational_array"]["sizes"] = [side, side]
Path("accelerator.yaml").write_text(yaml.safe_dump(accelerator, sort_keys=False))
default = yaml.safe_load((shipped / "mapping/default.yaml").read_text())[0]
default["spatial_mapping"] = {"D1": [f"K, {side}"], "D2": [f"C, {side}"]}
Path("mapping.yaml").write_text(yaml.safe_dump([default], sort_keys=False))

_, latency, _ = get_hardware_performance_zigzag(
    workload,
    "accelerator.yaml",
    "mapping.yaml",
    opt="latency",
    dump_folder="results",
    loma_show_progress_bar=False,
)
Path("cycles.json").write_text(json.dumps([float(latency)]))
