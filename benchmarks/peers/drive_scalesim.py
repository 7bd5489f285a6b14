"""Run inside SCALE-Sim's environment: config, topology, layout -> cycles.json, one per layer."""

import json
import sys
from pathlib import Path

from scalesim.scale_sim import scalesim

config, topology, layout = sys.argv[1:]
simulation = scalesim(
    save_disk_space=True, verbose=False, config=config, topology=topology, layout=layout
)
simulation.run_scale(top_path=".")
layers = simulation.runner.single_layer_sim_object_list
cycles = [float(layer.get_compute_report_items()[0]) for layer in layers]
Path("cycles.json").write_text(json.dumps(cycles))
