"""Valid input of every kind, in a folder that all cases of a process share and do not change."""

import json
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from simulator import simulate
from simulator.base.shipped import find
from simulator.base.tabular import table_name
from simulator.report.files import trace_writers
from simulator.report.prepare import make_traces
from simulator.studies import grid_study, run_study
from simulator.studies.axes import axis
from simulator.workload.choice import Choice
from simulator.workload.extract import extract
from simulator.workload.store import write_workload
from tests.trained import NETWORK, SHAPES, state_dict


@dataclass(frozen=True, slots=True)
class Seeds:
    """Contents of valid files."""

    files: dict[str, bytes]
    """By name: network.yaml, hardware.yaml, dram.yaml, energy.yaml, workload.npz, ..."""
    folders: dict[str, dict[str, bytes]]
    """Files of the folders `result` and `study`."""

    def plain(self, name: str) -> Any:
        """Return the plain data of a YAML or JSON file."""
        return yaml.safe_load(self.files[name])


def make_seeds(folder: Path, *, checkpoint: bool) -> Seeds:
    """Write every kind of valid input into a folder, and return it.

    Args:
        folder: an empty folder.
        checkpoint: True to write weights.pth, too, which takes the seconds of torch's import.

    """
    with chdir(folder):
        Path("network.yaml").write_text(NETWORK, encoding="utf-8")
        for name, kind, shipped in (
            ("hardware.yaml", "hw_configs", "cofluent64"),
            ("systolic.yaml", "hw_configs", "tpu-like"),
            ("dram.yaml", "hw_configs/dram", "ddr4-2400"),
            ("energy.yaml", "hw_configs/energy", "45nm"),
        ):
            Path(name).write_bytes(find(kind, shipped).read_bytes())  # type: ignore[arg-type]
        state = state_dict()
        np.savez("weights.npz", **state)  # type: ignore[arg-type] # its options are newer than 2.0
        save_file(state, "weights.safetensors")
        if checkpoint:
            _write_checkpoint(Path("weights.pth"))
        extraction = extract(
            Path("weights.npz"), network="network.yaml", choice=Choice(subset="uniform", tau=3)
        )
        write_workload(extraction.workload, Path("workload.npz"))
        np.save("input.npy", np.ones((1, 12, 9, 9), np.int8))
        _write_graph(Path("graph.onnx"))
        Path("points.csv").write_text("bits,array.pes\n0.56,32\n1,64\n", encoding="utf-8")
        result = simulate("network.yaml", "hardware.yaml", bits=0.56)
        Path("result").mkdir()
        Path("result/summary.json").write_text(json.dumps(result.saved()), encoding="utf-8")
        make_traces(result, None)
        for name, write in trace_writers(result, table_name("trace")).items():
            write(Path("result", name))
        axes = [axis("hw", "hardware.yaml"), axis("model", "network.yaml"), axis("bits", "0.56,1")]
        run_study(grid_study(axes), "study", jobs=1, tables_only=True)
    folders = {
        name: {path.name: path.read_bytes() for path in (folder / name).iterdir() if path.is_file()}
        for name in ("result", "study")
    }
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return Seeds(files, folders)


def _write_checkpoint(path: Path) -> None:
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in state_dict().items()}, path)


def _write_graph(path: Path) -> None:
    """Write an ONNX model of a full-precision and a binary convolution."""
    rng = np.random.default_rng(0)
    weights = {
        "v": rng.normal(size=(12, 3, 3, 3)).astype(np.float32),
        "w": np.where(rng.normal(size=SHAPES["a.conv1"]) < 0, -1, 1).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Sign", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["y"], "conv1", pads=[1, 1, 1, 1]),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 8, 8])
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "graph", [image], [result], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, str(path))


def summary_of(seeds: Seeds) -> Any:
    """Return the plain data of a saved result."""
    return json.loads(seeds.folders["result"]["summary.json"])
