"""The tensors that make the weights of one module: plain, pruned, or normalized ones.

A module `X` has one of these sets of tensors:

- `X.weight`, or `X.weights` as in Bi-Real-Net and ReActNet, which may be flat;
- `X.weight_orig` and, if the module is pruned, `X.weight_mask`, which torch multiplies;
- `X.weight_g` and `X.weight_v`, torch's weight normalization: g * v / |v|, with the norm over
  all dimensions in which g has size 1;
- `X.parametrizations.weight.original`, or `original0` (g) and `original1` (v).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.importers.tensors import TensorFile

Shape = tuple[int, ...]
_PARAMETRIZED = ".parametrizations.weight.original"


@dataclass(frozen=True, slots=True)
class Parameter:
    """The weights of one module."""

    tensor: str
    """Name of the tensor that has the shape of the weights."""
    shape: Shape
    mask: str | None = None
    length: str | None = None
    """Name of the lengths g of a weight normalization."""

    def read(self, tensors: TensorFile) -> NDArray[np.float32]:
        """[shape] the weights.

        Raises:
            InputError: a value is not finite, or the file is broken.

        """
        values = tensors.read(self.tensor)
        if self.mask is not None:
            self._require_fit(tensors, self.mask)
            values = values * tensors.read(self.mask)
        if self.length is not None:
            self._require_fit(tensors, self.length)
            values = _normalized(values, tensors.read(self.length))
        return values

    def _require_fit(self, tensors: TensorFile, other: str) -> None:
        shape = tensors.shapes[other]
        fits = len(shape) in {0, len(self.shape)} and all(
            size in {1, own} for size, own in zip(shape, self.shape, strict=False)
        )
        if not fits:
            raise InputError(
                f"{tensors.path}: {other} has the shape {list(shape)}, which does not fit "
                f"{self.tensor}, {list(self.shape)}"
            )


def parameters(shapes: Mapping[str, Shape]) -> dict[str, Parameter]:
    """Return the weights of two or four dimensions, and flat `X.weights`, by module."""
    found: dict[str, Parameter] = {}
    for name, shape in shapes.items():
        module, _, last = name.rpartition(".")
        if last == "weight" or (last == "weights" and f"{module}.weight" not in shapes):
            found[module] = Parameter(name, shape)
        elif last == "weight_orig":
            mask = f"{module}.weight_mask"
            found[module] = Parameter(name, shape, mask=mask if mask in shapes else None)
        elif last == "weight_v" and f"{module}.weight_g" in shapes:
            found[module] = Parameter(name, shape, length=f"{module}.weight_g")
        elif name.endswith(_PARAMETRIZED):
            found[name.removesuffix(_PARAMETRIZED)] = Parameter(name, shape)
        elif name.endswith(f"{_PARAMETRIZED}1"):
            module, length = name.removesuffix(f"{_PARAMETRIZED}1"), f"{name[:-1]}0"
            if length in shapes:
                found[module] = Parameter(name, shape, length=length)
    return {module: one for module, one in found.items() if _is_weight(one)}


def _is_weight(one: Parameter) -> bool:
    flat = len(one.shape) == 1 and one.tensor.endswith(".weights")
    return len(one.shape) in {2, 4} or flat


def _normalized(direction: NDArray[np.float32], length: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weight normalization (Salimans and Kingma, 2016): g * v / |v|; 0 where |v| is 0."""
    shape = length.shape if length.ndim == direction.ndim else (1,) * direction.ndim
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
    exact = direction.astype(np.float64)
    norm = np.sqrt(np.square(exact).sum(axis=axes, keepdims=True))
    scale = np.divide(length.reshape(shape), norm, out=np.zeros_like(norm), where=norm > 0)
    weights: NDArray[np.float32] = (exact * scale).astype(np.float32)
    return weights
