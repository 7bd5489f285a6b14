"""A trained layer in its file: real weights, before the choice of kernels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.workload.centering import Mean
from simulator.workload.levels import Levels, levels_of


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedLayer:
    """One convolution of a checkpoint or graph."""

    name: str
    weights: NDArray[np.float32]
    """[out_channels, in_channels / groups, kernel, kernel] real values."""
    patterns: NDArray[np.float32] | None = None
    """[n, 9 or 8] real values; the signs of a row are a kernel of the layer's refined subset."""
    full_precision: bool = False
    """True if the layer computes with the weights, not with their signs."""
    centered: Mean | None = None
    """Mean that the file's graph subtracts from `weights` before it takes their signs; None if it
    subtracts none, has subtracted it already, or without a graph."""

    @cached_property
    def levels(self) -> Levels:
        """The levels of the weights: signs, bits, ternary, or real."""
        return levels_of(self.weights)
