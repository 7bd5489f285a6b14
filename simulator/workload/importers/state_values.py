"""The values of a state dict other than binary weights, by the usual names.

A layer with weights `X` has `X.weight`, in any of the forms of `parameters.py`, and perhaps
`X.bias`. A normalization `X` has `X.running_mean` and `X.running_var`, and perhaps `X.weight`
(gamma) and `X.bias` (beta). PReLU has `X.weight`. Names may have the wrappers of `names.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.workload.importers.matching import Owned
from simulator.workload.importers.names import common_beginning, unwrapped
from simulator.workload.importers.tensors import TensorFile
from simulator.workload.layer import Layer
from simulator.workload.levels import levels_of
from simulator.workload.values import Floats, LayerValues, Predictions
from simulator.workload.vector_layer import VectorLayer
from simulator.workload.workload import Workload

EPSILON = 1e-5
"""Summand of the variance of a batch normalization. ASSUMED: torch's default; a state dict has no
epsilon."""
CLASSES, IMAGES = "predicted.classes", "predicted.images_sha256"
"""Tensors that `simulate train` adds: predicted classes, and the 32 bytes of the fingerprint of
their images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateValues:
    """The values of a network, and notes on what was assumed or is missing."""

    parameters: Mapping[str, LayerValues]
    predictions: Predictions | None
    notes: tuple[str, ...]


def state_values(
    tensors: TensorFile, workload: Workload, owned: Mapping[str, Owned]
) -> StateValues:
    """Read the values of a network whose file has normalizations; other files describe only a part.

    Values are whole, or a note tells why the workload has none.

    Args:
        tensors: the state dict.
        workload: the network.
        owned: the tensors of the layers with weights, from `match`.

    Raises:
        InputError: a value is not finite, or the file is broken.

    """
    nothing = StateValues(parameters={}, predictions=None, notes=())
    if all(layer.kind != "norm" for layer in workload.vector_layers):
        return nothing
    if all(not name.endswith(".running_var") for name in tensors.shapes):
        return nothing
    reader = _Reader(tensors, owned, _modules(tensors))
    found = dict(reader.of_weights(workload))
    for layer in workload.vector_layers:
        if layer.kind == "norm" or layer.function == "prelu":
            values = reader.norm(layer) if layer.kind == "norm" else reader.slope(layer)
            if values is None:
                return StateValues(
                    parameters={},
                    predictions=None,
                    notes=(
                        "The workload has no values of full-precision layers and normalizations, "
                        f"because the file has none that fit {layer.name}.",
                    ),
                )
            found[layer.name] = values
    predictions = _predictions(tensors)
    notes = () if predictions is not None else (_ASSUMPTIONS,)
    return StateValues(parameters=found, predictions=predictions, notes=notes)


_ASSUMPTIONS = (
    "Batch normalizations have epsilon 1e-5, torch's default, and binary layers with real weights "
    "have no factor per output channel, because a state dict contains neither; only the values "
    "that --check computes in scope network depend on both."
)


def _modules(tensors: TensorFile) -> dict[str, str]:
    """The modules of the file by every name without wrappers; an exact name takes precedence."""
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in tensors.shapes))
    common = common_beginning(modules)
    found: dict[str, str] = {}
    for module in modules:
        for short in unwrapped(module, common):
            found.setdefault(short, module)
    return found | {module: module for module in modules}


@dataclass(frozen=True, slots=True)
class _Reader:
    tensors: TensorFile
    owned: Mapping[str, Owned]
    modules: Mapping[str, str]

    def of_weights(self, workload: Workload) -> Iterator[tuple[str, LayerValues]]:
        """Yield the values of layers with weights: in full precision, or an alpha or a bias."""
        for layer in workload.layers:
            one = self.owned[layer.name].weight
            bias = self._vector(one.tensor.rpartition(".")[0], "bias", layer.out_channels)
            if layer.full_precision:
                inputs = layer.in_channels // layer.groups
                shape = (layer.out_channels, inputs, *layer.kernel_sides)
                weights = one.read(self.tensors).reshape(shape)
                yield layer.name, LayerValues(weights=weights, bias=bias)
                continue
            alpha = _alpha(one.read(self.tensors), layer)
            if alpha is not None or bias is not None:
                yield layer.name, LayerValues(alpha=alpha, bias=bias)

    def norm(self, layer: VectorLayer) -> LayerValues | None:
        """Return scale and shift of a batch normalization; None if the file does not have it."""
        module, channels = self.modules.get(layer.name, layer.name), layer.out_channels
        mean = self._vector(module, "running_mean", channels)
        variance = self._vector(module, "running_var", channels)
        if mean is None or variance is None or (variance < 0).any():
            return None
        gamma = self._vector(module, "weight", channels)
        beta = self._vector(module, "bias", channels)
        scale = 1 / np.sqrt(variance.astype(np.float64) + EPSILON)
        if gamma is not None:
            scale *= gamma
        shift = -scale * mean
        if beta is not None:
            shift += beta
        return LayerValues(scale=scale.astype(np.float32), shift=shift.astype(np.float32))

    def slope(self, layer: VectorLayer) -> LayerValues | None:
        """Return the slope of PReLU, which may be one number for all channels."""
        module, channels = self.modules.get(layer.name, layer.name), layer.out_channels
        slope = self._vector(module, "weight", channels)
        if slope is None:
            one = self._vector(module, "weight", 1)
            slope = None if one is None else np.repeat(one, channels)
        return None if slope is None else LayerValues(slope=slope)

    def _vector(self, module: str, part: str, size: int) -> Floats | None:
        """Read a tensor of `size` numbers; None if the file does not have it."""
        name = f"{module}.{part}"
        if self.tensors.shapes.get(name) != (size,):
            return None
        return self.tensors.read(name)


def _alpha(weights: Floats, layer: Layer) -> Floats | None:
    """[out_channels] the factor of weights that are signs times a factor; None: 1, or unknown."""
    if layer.full_precision or levels_of(weights).kind != "signs":
        return None
    sizes = np.abs(weights.reshape(layer.out_channels, -1)).astype(np.float64)
    alpha = ((sizes.min(axis=1) + sizes.max(axis=1)) / 2).astype(np.float32)
    return None if (alpha == 1).all() else alpha


def _predictions(tensors: TensorFile) -> Predictions | None:
    shape = tensors.shapes.get(CLASSES, ())
    if len(shape) != 1 or tensors.shapes.get(IMAGES) != (32,):
        return None
    digest = bytes(tensors.read(IMAGES).astype(np.uint8).tolist())
    classes = tensors.read(CLASSES).astype(np.uint16)
    return Predictions(images_sha256=digest.hex(), classes=classes)
