"""A trained layer as its file holds it: real weights, before kernels are chosen for them."""

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
    """[n, 9 or 8] real values; the signs of a row are one kernel of the layer's refined subset."""
    full_precision: bool = False
    """The weights count as they are, not by their signs."""
