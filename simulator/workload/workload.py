"""A network and the settings of one run: layers, batch, activation bits."""

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from simulator.base.names import require_names, shown
from simulator.workload.layer import Layer
from simulator.workload.limits import require_sizes
from simulator.workload.schema import OpsConvention
from simulator.workload.scope import FULL_PRECISION_BITS, Scope
from simulator.workload.sides import PerAxis, Sides, per_axis, sides
from simulator.workload.values import Parameters, Predictions, fingerprint
from simulator.workload.vector_layer import AnyLayer, VectorLayer, in_order

if TYPE_CHECKING:
    from simulator.workload.schema import NetworkFile
    from simulator.workload.source import ModelFile

SHORTCUT_BITS = 16
"""Bits per value outside binary layers. ASSUMED: the supplement gives none; partial sums of binary
layers need up to 14 bits, and a power of two packs into bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The layers of one network, in execution order."""

    name: str
    title: str
    input_height: int
    input_width: int
    layers: tuple[Layer, ...]
    """The layers with weights."""
    ops_convention: OpsConvention
    """The paper's convention for this network's operations; see `simulator.workload.ops`."""
    batch: int = 1
    activation_bits: int = 1
    """Bits per activation of layers that have no activation bits of their own."""
    network: "NetworkFile | None" = None
    """Source of the shapes; None for a graph, which has fixed sizes."""
    vector_layers: tuple[VectorLayer, ...] = ()
    """The layers without weights, which run only in scope `network`."""
    shortcut_bits: int = SHORTCUT_BITS
    """Bits per value of maps that no binary layer reads; see `simulator.workload.maps`."""
    unknown_edges: str | None = field(default=None, compare=False)
    """The reason why the edges between layers are unknown, such as `Resize node 'up'`; or None."""
    scope: Scope = "weights"
    """The kinds of layers that run; a network as in its file has all layers with weights."""
    layers_left_out: int = 0
    """Number of full-precision layers of the network that do not run."""
    kernels_dropped: tuple[str, ...] = ()
    """Layers whose kernels this run ignores because it gives them another tau."""
    activations_overridden: tuple[str, ...] = ()
    """Layers whose activation bits in the file this run ignores because it gives them others."""
    shortcut_bits_ignored: bool = False
    """True if the run asks for shortcut bits but has no map of this width."""
    source: "ModelFile | None" = field(default=None, compare=False)
    """File with the kernels; None without kernels, or if the kernels are in no file."""
    parameters: Parameters = field(default_factory=dict, compare=False)
    """Values of layers other than kernels, by layer; they have no effect on time."""
    predictions: Predictions | None = field(default=None, compare=False)
    """Classes that the trained network predicts for some images."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Sentences on what the reader of the file assumed, changed or left out."""

    def __post_init__(self) -> None:
        """Refuse names that an output would have to change, and maps that are too large.

        Raises:
            InputError: the network, a layer or a stage has such a name, or a layer such a map.

        """
        require_names([("name", self.name), ("title", self.title)], "network")
        where = f"network {shown(self.name)}"
        require_names((("layer", layer.name) for layer in self.layers), where)
        require_names((("stage", layer.stage) for layer in self.layers), where)
        require_sizes((*self.layers, *self.vector_layers))

    @property
    def binary_layers(self) -> tuple[Layer, ...]:
        """The layers whose weights are signs, 1-bit or sub-bit."""
        return tuple(layer for layer in self.layers if not layer.full_precision)

    @property
    def all_layers(self) -> tuple[AnyLayer, ...]:
        """The layers that run, in the order of execution."""
        between = self.vector_layers if self.scope == "network" else ()
        return in_order(self.layers, between)

    def input_bits(self, layer: Layer) -> int:
        """Bits per activation that a binary layer reads."""
        return self.activation_bits if layer.activation_bits is None else layer.activation_bits

    def output_bits(self, layer: Layer) -> int:
        """Bits per activation that a binary layer writes: those that its readers read."""
        return self.activation_bits if layer.output_bits is None else layer.output_bits

    @property
    def shortcut_bits_in_use(self) -> int | None:
        """Bits per value of the run's maps between binary layers; None if it has no such map."""
        return self.shortcut_bits if self.scope == "network" and self.binary_layers else None

    @property
    def widths(self) -> tuple[int, ...]:
        """The different bits per activation of the binary layers, the smallest first."""
        return tuple(sorted({self.input_bits(x) for x in self.binary_layers}))

    @property
    def widest_activation(self) -> int:
        """The most bits per activation of a binary layer, for which a machine is sized."""
        return max(self.widths, default=self.activation_bits)

    @property
    def largest_kernel(self) -> int:
        """The most weights of a binary kernel or vector, for which a machine is sized."""
        return max((layer.unit_weights for layer in self.binary_layers), default=1)

    @property
    def binary_kernels(self) -> tuple[PerAxis, ...]:
        """The different sizes of the binary kernels, the largest first."""
        found = {sides(layer.kernel) for layer in self.binary_layers}
        return tuple(per_axis(*one) for one in sorted(found, key=_size, reverse=True))

    @property
    def is_trained(self) -> bool:
        """True if the workload sets the kernels or the tau of a binary layer."""
        return any(x.kernels is not None or x.tau is not None for x in self.binary_layers)

    @property
    def bits(self) -> float:
        """Mean stored bits per weight of the binary layers, without the subsets; 32 without any."""
        if not self.binary_layers:
            return FULL_PRECISION_BITS
        stored = sum(
            layer.weights / layer.unit_weights * layer.unit_bits for layer in self.binary_layers
        )
        return stored / sum(layer.weights for layer in self.binary_layers)

    def described(self) -> dict[str, Any]:
        """Return everything that determines a run and its scope as plain data.

        Fingerprints replace the kernels.
        """
        layers = tuple(replace(x, kernels=None) for x in self.layers)
        without = replace(self, layers=layers, network=None, source=None, parameters={})
        plain = asdict(replace(without, predictions=None))
        for name in ("network", "kernels_dropped", "source", "unknown_edges", *_VALUES):
            del plain[name]  # the layers already reflect these fields, or they do not affect time
        if self.scope == "network" and self.parameters:
            plain["values_sha256"] = fingerprint(self.parameters)
        if self.scope != "network":
            for name in ("vector_layers", "shortcut_bits"):
                del plain[name]  # without effect
            for entry in plain["layers"]:
                del entry["reads"]
        for name in ("activations_overridden", "shortcut_bits_ignored", "notes"):
            if not plain[name]:
                del plain[name]
        for layer, entry in zip(self.layers, plain["layers"], strict=True):
            entry["kernels_sha256"] = layer.kernels.sha256 if layer.kernels else None
            del entry["kernels"]
        described: dict[str, Any] = _with_lists(plain)
        return described


_VALUES = ("parameters", "predictions")


def _size(kernel: Sides) -> tuple[int, Sides]:
    return kernel.area, kernel


def _with_lists(plain: Any) -> Any:
    """Plain data as a JSON file returns them: lists instead of tuples."""
    if isinstance(plain, dict):
        return {key: _with_lists(value) for key, value in plain.items()}
    return [*map(_with_lists, plain)] if isinstance(plain, list | tuple) else plain
