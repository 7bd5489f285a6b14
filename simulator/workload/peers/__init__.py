"""Workloads of other simulators: shapes of layers, without a graph and without weights.

- SCALE-Sim: topology CSV, of convolutions or of matrix products.
- Timeloop: problem YAML, one layer.
- ZigZag: workload YAML, a list of layers.

The content of a file determines its format. The files tell neither which layers are binary nor who
makes an input map; notes state what is assumed instead.
"""

from pathlib import Path
from typing import Any

from simulator.workload.peers import scalesim, timeloop, zigzag
from simulator.workload.peers.layers import Listed, workload_of
from simulator.workload.peers.timeloop import expanded
from simulator.workload.workload import Workload

__all__ = ["expanded", "read_plain", "read_topology"]


def read_topology(text: str, path: Path) -> Workload | None:
    """Return the workload of a SCALE-Sim topology; None if the text is not one.

    Raises:
        InputError: a line or a layer is wrong.

    """
    return _workload(scalesim.read(text, str(path)), path) if scalesim.is_topology(text) else None


def read_plain(data: Any, path: Path) -> Workload | None:
    """Return the workload of ZigZag's or Timeloop's YAML; None if the data are neither.

    Args:
        data: contents of the YAML file.
        path: the file.

    Raises:
        InputError: a layer is wrong, or a workload cannot describe it.

    """
    if zigzag.is_workload(data):
        return _workload(zigzag.read(data, str(path)), path)
    if timeloop.is_problem(data):
        return _workload(timeloop.read(data, path), path)
    return None


def _workload(listed: Listed, path: Path) -> Workload:
    return workload_of(listed, path.stem or path.name, str(path))
