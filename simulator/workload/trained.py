"""A trained layer in its file: real weights, before the choice of kernels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedLayer:
    """One convolution of a checkpoint or graph."""

    name: str
    weights: NDArray[np.float32]
    """[out_channels, in_channels / groups, kernel, kernel] real values."""
    patterns: NDArray[np.float32] | None = None
    """[n, 9 or 8] real values; the signs of a row are a kernel of the layer's refined subset."""
    full_precision: bool = False
    """True if the layer computes with the weights, not with their signs."""
