"""The levels of a layer's weights: the code of signs in a file, and the distance from signs."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-5
"""Maximum relative deviation of +-alpha from alpha, per output channel.

ASSUMED: float32 arithmetic such as `alpha * sign(w) - clip(w) + clip(w)` deviates by up to 6e-8
times |w| / alpha, and |w| is rarely 100 alpha.
"""
NEAR = 1e-2
"""Maximum deviation of a near miss, which a note reports."""

Kind = Literal["signs", "bits", "ternary", "real"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The kind of a layer's weights, with measurements."""

    kind: Kind
    """`signs`: -alpha or +alpha, one alpha per output channel. `bits`: 0 or 1. `ternary`: -alpha,
    0 or +alpha. `real`: all others."""
    deviation: float
    """See `deviation`; 0 for bits."""
    zeros: int
    """Number of weights that are 0, except in dead channels and in bits."""
    dead: int
    """Number of output channels whose weights are all 0; 0 for bits."""

    @property
    def is_near_miss(self) -> bool:
        """True if the weights miss +-alpha by more than rounding, but by little."""
        return self.kind == "real" and self.deviation <= NEAR


def levels_of(weights: NDArray[Any]) -> Levels:
    """Recognize how the weights of a layer code its signs.

    Args:
        weights: [out_channels, ...] real values.

    """
    zero = weights == 0
    if zero.any() and not zero.all() and (zero | (weights == 1)).all():
        return Levels(kind="bits", deviation=0.0, zeros=0, dead=0)
    dead = dead_channels(weights)
    per_channel = weights.size // max(1, len(weights))
    zeros = int(np.count_nonzero(zero)) - dead * per_channel
    miss = deviation(weights)
    kind: Kind = "real"
    if miss <= ROUNDING:
        kind = "signs"
    elif zeros and deviation(_without_zeros(weights)) <= ROUNDING:
        kind = "ternary"
    return Levels(kind=kind, deviation=miss, zeros=zeros, dead=dead)


def deviation(weights: NDArray[Any]) -> float:
    """Largest relative deviation of |w| from its channel's alpha, 0 to 1, except channels of zeros.

    alpha is the middle of a channel's smallest and largest |w|. If an output channel has a single
    weight, any number would be +-alpha. All channels then share one alpha.

    Returns:
        0 for exact signs times a scale; 1 if a channel has some zeros, or if all weights are 0.

    """
    sizes = np.abs(weights.reshape(len(weights), -1))
    if sizes.shape[1] == 1:
        sizes = sizes.reshape(1, -1)
    least, most = (size.astype(np.float64) for size in (sizes.min(axis=1), sizes.max(axis=1)))
    live = most > 0
    if not live.any():
        return 1.0
    return float(((most - least)[live] / (most + least)[live]).max())


def are_signs(weights: NDArray[Any]) -> bool:
    """True if the weights are +-alpha, with one alpha per output channel, up to rounding."""
    return weights.size > 0 and deviation(weights) <= ROUNDING


def dead_channels(weights: NDArray[Any]) -> int:
    """Number of output channels whose weights are all 0."""
    return int(np.count_nonzero(~weights.reshape(len(weights), -1).any(axis=1)))


def _without_zeros(weights: NDArray[Any]) -> NDArray[Any]:
    """The absolute values, with a channel's largest one in place of its zeros."""
    sizes = np.abs(weights.reshape(len(weights), -1))
    filled: NDArray[Any] = np.where(sizes == 0, sizes.max(axis=1, keepdims=True), sizes)
    return filled
