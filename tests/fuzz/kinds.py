"""The kinds of input, and the share of the cases of each."""

from dataclasses import dataclass

from tests.fuzz import models, results, settings
from tests.fuzz.changed import RUN, Make, bytes_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of input."""

    make: Make
    weight: int = 4
    """Its share of the cases: more for input that people write, less for slow cases."""


def _extracted(name: str) -> Make:
    return bytes_of(name, "extract", name, "--network", "network.yaml")


KINDS: dict[str, Kind] = {
    "hardware": Kind(settings.hardware, 8),
    "dram": Kind(settings.dram),
    "dram_setting": Kind(settings.dram_setting, 3),
    "energy": Kind(settings.energy),
    "setting": Kind(settings.setting, 8),
    "axis": Kind(settings.axis, 8),
    "points": Kind(settings.points),
    "arguments": Kind(settings.arguments, 8),
    "network": Kind(models.network, 8),
    "whole": Kind(models.whole, 6),
    "listed": Kind(models.listed),
    "topology": Kind(models.topology),
    "problem": Kind(models.problem),
    "zigzag": Kind(models.zigzag),
    "archive": Kind(models.archive),
    "workload": Kind(bytes_of("workload.npz", *RUN[:2], "--model", "workload.npz")),
    "state": Kind(models.state, 6),
    "tensors": Kind(models.tensors),
    "packed": Kind(models.packed),
    "shards": Kind(models.shards),
    "renamed": Kind(models.renamed),
    "npz": Kind(_extracted("weights.npz")),
    "npy": Kind(bytes_of("input.npy", *RUN, "--check", "--check-input", "input.npy")),
    "pth": Kind(_extracted("weights.pth")),
    "safetensors": Kind(_extracted("weights.safetensors")),
    "graph": Kind(models.graph, 8),
    "onnx": Kind(bytes_of("graph.onnx", "extract", "graph.onnx")),
    "saved": Kind(results.saved, 5),
    "folder": Kind(results.folder),
    "study": Kind(results.study, 3),
    "trace": Kind(results.trace),
    "plot": Kind(results.plot),
}
"""Every kind by name."""
