"""Valid input of every kind, in a folder that all cases of a process share and do not change."""

import gzip
import json
import tarfile
import zipfile
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
from simulator.base.writing import write_rows
from simulator.report.files import csv_tables, trace_writers
from simulator.report.prepare import make_traces
from simulator.studies import grid_study, run_study
from simulator.studies.axes import axis
from simulator.workload.choice import Choice
from simulator.workload.extract import extract
from simulator.workload.store import write_workload
from tests.fuzz.layers import LAYERS
from tests.trained import NETWORK, State, state_dict


@dataclass(frozen=True, slots=True)
class Seeds:
    """Contents of valid files."""

    files: dict[str, bytes]
    """By name: network.yaml, hardware.yaml, dram.yaml, energy.yaml, workload.npz, ..."""
    folders: dict[str, dict[str, bytes]]
    """Files of the folders `result` and `study`."""
    plain: dict[str, Any]
    """Plain data of the YAML and JSON files; no case changes them in place."""


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
        for name, text in LAYERS.items():
            Path(name).write_text(text, encoding="utf-8")
        Path("cycles.yaml").write_text(_in_cycles(Path("hardware.yaml")), encoding="utf-8")
        state = state_dict()
        np.savez("weights.npz", **state)  # type: ignore[arg-type] # its options are newer than 2.0
        save_file(state, "weights.safetensors")
        _write_packed(Path("weights.safetensors"))
        _write_shards(state)
        if checkpoint:
            _write_checkpoint(Path("weights.pth"))
        extraction = extract(
            Path("weights.npz"), network="network.yaml", choice=Choice(subset="uniform", tau=3)
        )
        write_workload(extraction.workload, Path("workload.npz"))
        np.save("input.npy", np.ones((1, 12, 9, 9), np.int8))
        write_graph(Path("graph.onnx"))
        Path("points.csv").write_text("bits,array.pes\n0.56,32\n1,64\n", encoding="utf-8")
        result = simulate("network.yaml", "hardware.yaml", bits=0.56)
        Path("result").mkdir()
        Path("result/summary.json").write_text(json.dumps(result.saved()), encoding="utf-8")
        make_traces(result, None)
        for name, write in trace_writers(result, table_name("trace")).items():
            write(Path("result", name))
        for name, rows in csv_tables(result).items():
            write_rows(Path("result", name), rows)
        axes = [axis("hw", "hardware.yaml"), axis("model", "network.yaml"), axis("bits", "0.56,1")]
        run_study(grid_study(axes), "study", jobs=1, tables_only=True)
    folders = {
        name: {path.name: path.read_bytes() for path in (folder / name).iterdir() if path.is_file()}
        for name in ("result", "study")
    }
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    plain = {name: yaml.safe_load(files[name]) for name in files if name.endswith(".yaml")}
    plain["index"] = json.loads(files["part.safetensors.index.json"])
    plain["summary.json"] = json.loads(folders["result"]["summary.json"])
    return Seeds(files, folders, plain)


def _in_cycles(hardware: Path) -> str:
    """Return a hardware file whose DRAM is in cycles of the array, not in time."""
    text = hardware.read_text(encoding="utf-8")
    return text.replace("latency_ns:", "latency_cycles:").replace(
        "gigabytes_per_second:", "bytes_per_cycle:"
    )


def _write_packed(network: Path) -> None:
    """Write a file into archives of every kind."""
    for name, mode in (("packed.tar", "w"), ("packed.tgz", "w:gz")):
        with tarfile.open(name, mode) as archive:
            archive.add(network)
    with zipfile.ZipFile("packed.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(network)
    Path("packed.safetensors.gz").write_bytes(gzip.compress(network.read_bytes()))


def _write_shards(state: State) -> None:
    """Write a state dict in two parts, and their index."""
    names, weight_map = sorted(state), {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"part-{number:05d}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, file)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    Path("part.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _write_checkpoint(path: Path) -> None:
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in state_dict().items()}, path)


def write_graph(path: Path) -> None:
    """Write an ONNX model of a full-precision and two binary convolutions, and of a linear layer.

    The tensors are small: most bytes of the file then belong to its structure.
    """
    rng = np.random.default_rng(0)
    weights = {
        "v": rng.normal(size=(4, 3, 3, 3)),
        "w": np.where(rng.normal(size=(6, 4, 3, 3)) < 0, -1, 1),
        "u": rng.normal(size=(6, 6, 1, 1)),
        "f": rng.normal(size=(6, 3)),
        **dict.fromkeys(("scale", "bias", "mean", "var"), np.ones(4)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "v"], ["a"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "scale", "bias", "mean", "var"], ["n"]),
        helper.make_node("Sign", ["n"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["c"], "conv1", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Sign", ["u"], ["s"]),
        helper.make_node("Sign", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "s"], ["e"], "conv2"),
        helper.make_node("Add", ["e", "c"], ["g"]),
        helper.make_node("GlobalAveragePool", ["g"], ["p"]),
        helper.make_node("Flatten", ["p"], ["q"]),
        helper.make_node("Gemm", ["q", "f"], ["y"], "fc"),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    tensors = [
        numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()
    ]
    graph = helper.make_graph(nodes, "graph", [image], [result], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, str(path))
