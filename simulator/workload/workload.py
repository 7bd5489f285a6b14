"""A network with everything that one run computes: layers, batch, activation bits."""

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from simulator.workload.layer import Layer
from simulator.workload.schema import OpsConvention

if TYPE_CHECKING:
    from simulator.workload.schema import NetworkFile
    from simulator.workload.source import ModelFile

FULL_PRECISION_BITS = 32
"""Bits per weight that name a network without binary layers (paper, Table 6: 32/32)."""


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
    network: "NetworkFile | None" = None
    """What the shapes were derived from; None: from a graph, whose sizes are fixed."""
    layers_left_out: int = 0
    """Full-precision layers of the network that the run leaves out."""
    kernels_dropped: tuple[str, ...] = ()
    """Layers whose kernels this run leaves aside, because it gives them another tau."""
    source: "ModelFile | None" = field(default=None, compare=False)
    """Where the kernels come from; None without kernels, or if no file holds them."""

    @property
    def binary_layers(self) -> tuple[Layer, ...]:
        """The layers whose weights are signs, 1-bit or sub-bit."""
        return tuple(layer for layer in self.layers if not layer.full_precision)

    @property
    def is_trained(self) -> bool:
        """Whether the workload itself says how its binary layers are stored."""
        return any(x.kernels is not None or x.tau is not None for x in self.binary_layers)

    @property
    def bits(self) -> float:
        """Mean stored bits per weight of the binary layers, subsets not counted; 32 without any."""
        if not self.binary_layers:
            return FULL_PRECISION_BITS
        stored = sum(
            layer.weights / layer.unit_weights * layer.unit_bits for layer in self.binary_layers
        )
        return stored / sum(layer.weights for layer in self.binary_layers)

    def described(self) -> dict[str, Any]:
        """Everything that decides a run and its scope, as plain data; kernels by fingerprint."""
        layers = tuple(replace(x, kernels=None) for x in self.layers)
        plain = asdict(replace(self, layers=layers, network=None, source=None))
        for name in ("network", "kernels_dropped", "source"):
            del plain[name]  # the layers have their effect
        for layer, entry in zip(self.layers, plain["layers"], strict=True):
            entry["kernels_sha256"] = layer.kernels.sha256 if layer.kernels else None
            del entry["kernels"]
        return plain
