"""Centering: the mean that a binarizer subtracts from the weights before it takes their signs."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Mean = Literal["channel", "layer", "position"]
"""The weights that share a mean: an output channel's, a layer's, or those of an output channel at
one kernel position.

`channel`: IR-Net, AdaBin. `position`: XNOR-Net-PyTorch
(`meancenterConvParams`), binary-networks-pytorch (`center_weights`).
"""
Center = Literal["auto", "none", "channel", "layer", "position"]
"""The user's choice: a mean, or none; `auto` follows the graph in the file."""

_AXES = {"channel": (1, 2, 3), "layer": (0, 1, 2, 3), "position": (1,)}


def centered(weights: NDArray[Any], mean: Mean) -> NDArray[np.float32]:
    """[out_channels, in_channels / groups, kernel, kernel] the weights minus their means.

    The means and differences are in double precision, because the signs depend on them.
    """
    exact = weights.astype(np.float64)
    difference: NDArray[np.float64] = exact - exact.mean(axis=_AXES[mean], keepdims=True)
    return difference.astype(np.float32)


def mean_of(choice: Center, of_graph: Mean | None) -> Mean | None:
    """Return the mean to subtract: the user's choice, or the graph's if the choice is `auto`."""
    if choice == "auto":
        return of_graph
    return None if choice == "none" else choice
