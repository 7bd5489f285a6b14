"""The numbers of a trained network other than its kernels, and the classes that it predicts.

They have no effect on time. `--check` computes with them in scope `network`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.workload.vector_layer import AnyLayer, VectorLayer

Floats = NDArray[np.floating[Any]]
"""Single precision in a file."""
Shape = tuple[int, ...]

PARTS = ("weights", "bias", "alpha", "scale", "shift", "slope")
"""Names of the arrays of `LayerValues`, in the order of a workload file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerValues:
    """The numbers of one layer; those that its kind does not have are None."""

    weights: Floats | None = None
    """[out_channels, in_channels / groups, rows, columns] of a layer in full precision."""
    bias: Floats | None = None
    """[out_channels] summand of a layer with weights."""
    alpha: Floats | None = None
    """[out_channels] factor of a binary layer's sums; None: 1."""
    scale: Floats | None = None
    """[channels] factor of a normalization: gamma / sqrt(variance + epsilon)."""
    shift: Floats | None = None
    """[channels] summand of a normalization: beta - scale * mean."""
    slope: Floats | None = None
    """[channels] factor of PReLU below 0."""

    def arrays(self) -> Iterator[tuple[str, Floats]]:
        """Yield the layer's arrays with their names."""
        for part in PARTS:
            array = getattr(self, part)
            if array is not None:
                yield part, array

    @cached_property
    def sha256(self) -> str:
        """Fingerprint of the contents."""
        import hashlib

        digest = hashlib.sha256()
        for part, array in self.arrays():
            digest.update(f"{part} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return digest.hexdigest()


Parameters = Mapping[str, LayerValues]
"""The values of layers, by the name of the layer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The classes that the trained network itself predicts for some images."""

    images_sha256: str
    """Fingerprint of the images; see `images_sha256`."""
    classes: NDArray[np.uint16]
    """[images] the class with the largest result."""


def images_sha256(images: NDArray[np.number]) -> str:
    """Fingerprint of images [images, channels, height, width] in single precision."""
    import hashlib

    digest = hashlib.sha256(f"{images.shape}".encode())
    digest.update(np.ascontiguousarray(images, dtype="<f4").tobytes())
    return digest.hexdigest()


def fingerprint(parameters: Parameters) -> str:
    """Fingerprint of the values of all layers."""
    import hashlib

    lines = (f"{name} {values.sha256}\n" for name, values in parameters.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def allowed_parts(layer: AnyLayer) -> dict[str, Shape]:
    """The shapes of the arrays that a layer may have, by name."""
    channels = (layer.out_channels,)
    if isinstance(layer, VectorLayer):
        if layer.kind == "norm":
            return {"scale": channels, "shift": channels}
        return {"slope": channels} if layer.function == "prelu" else {}
    if not layer.full_precision:
        return {"bias": channels, "alpha": channels}
    inputs = layer.in_channels // layer.groups
    return {"weights": (layer.out_channels, inputs, *layer.kernel_sides), "bias": channels}


def required_parts(layer: AnyLayer) -> set[str]:
    """The arrays without which a layer's results are unknown."""
    return set(allowed_parts(layer)) - {"bias", "alpha"}
