"""A network with everything that one run computes: layers, batch, activation bits."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from simulator.workload.layer import Layer

OpsConvention = Literal["main_paper", "table6"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The layers of one network, in the order in which they run."""

    name: str
    title: str
    input_height: int
    input_width: int
    layers: tuple[Layer, ...]
    ops_convention: OpsConvention
    """How the paper counts this network's operations; see `simulator.workload.ops`."""
    batch: int = 1
    activation_bits: int = 1

    @property
    def binary_layers(self) -> tuple[Layer, ...]:
        """The layers whose weights are signs, 1-bit or sub-bit."""
        return tuple(layer for layer in self.layers if not layer.full_precision)

    @property
    def bits(self) -> float:
        """Mean stored bits per weight of the binary layers, subsets not counted."""
        stored = sum(
            layer.weights / layer.unit_weights * layer.unit_bits for layer in self.binary_layers
        )
        return stored / sum(layer.weights for layer in self.binary_layers)

    def described(self) -> dict[str, Any]:
        """Everything that decides a run, as plain data; kernels by their fingerprint."""
        shapes = replace(self, layers=tuple(replace(x, kernels=None) for x in self.layers))
        plain = asdict(shapes)
        for layer, entry in zip(self.layers, plain["layers"], strict=True):
            entry["kernels_sha256"] = layer.kernels.sha256 if layer.kernels else None
            del entry["kernels"]
        return plain
