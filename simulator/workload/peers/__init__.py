"""Workloads of other simulators: shapes of layers, without a graph and without weights.

- SCALE-Sim: topology CSV, of convolutions or of matrix products.
- Timeloop: problem YAML, one layer; a folder of problems is a network.
- ZigZag: workload YAML, a list of layers.

The content of a file determines its format. The files tell neither which layers are binary nor who
makes an input map; notes state what is assumed instead.
"""

from pathlib import Path
from typing import Any

from simulator.base.guard import read_text
from simulator.base.yaml_text import parse_yaml
from simulator.workload.peers import scalesim, timeloop, zigzag
from simulator.workload.peers.folder import read_folder
from simulator.workload.peers.layers import Listed, workload_of

__all__ = ["Listed", "read_file", "read_folder", "workload_of"]


def read_file(path: Path) -> Any:
    """Read the list of layers in a topology, a workload or a problem.

    Returns:
        A `Listed`; or the plain data of a YAML file that is none of these.

    Raises:
        InputError: the file is unreadable, or a line or a layer is wrong.

    """
    text = read_text(path)
    if scalesim.is_topology(text):
        return scalesim.read(text, str(path))
    data = parse_yaml(timeloop.expanded(text, path), str(path))
    if zigzag.is_workload(data):
        return zigzag.read(data, str(path))
    return timeloop.read(data, path) if timeloop.is_problem(data) else data
