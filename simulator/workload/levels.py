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

Kind = Literal["signs", "bits", "pair", "ternary", "real"]
_LEAST = 8
"""Fewest weights of an output channel with a pair: any two weights are two levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The kind of a layer's weights, with measurements."""

    kind: Kind
    """`signs`: -alpha or +alpha, one alpha per output channel. `bits`: 0 or 1. `pair`: two
    other levels per output channel, such as 0 and alpha, or beta +- alpha. `ternary`: -alpha, 0 or
    +alpha. `real`: all others."""
    deviation: float
    """See `deviation`; 0 for bits."""
    zeros: int
    """Number of weights that are 0, except in dead channels, bits and pairs."""
    dead: int
    """Number of output channels whose weights are all 0; 0 for bits."""
    pair: tuple[float, float] | None = None
    """The smaller and the larger level of the first output channel of a `pair`."""

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
    miss = deviation(weights)
    if miss > ROUNDING and without_offset(weights) is not None:
        pair = float(weights[0].min()), float(weights[0].max())
        return Levels(kind="pair", deviation=miss, zeros=0, dead=0, pair=pair)
    dead = dead_channels(weights)
    per_channel = weights.size // max(1, len(weights))
    zeros = int(np.count_nonzero(zero)) - dead * per_channel
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


def without_offset(weights: NDArray[Any], least: int = _LEAST) -> NDArray[np.float32] | None:
    """The weights minus the middle of their output channel's two levels.

    Args:
        weights: [out_channels, ...] real values.
        least: the fewest weights of an output channel.

    Returns:
        +-alpha per output channel; None if a channel has one level, or more than two up to
        rounding.

    """
    rows = weights.reshape(len(weights), -1)
    if rows.shape[1] < least or _two_levels(rows[:1]) is None:  # most layers end here
        return None
    moved = _two_levels(rows)
    return None if moved is None else np.asarray(moved.reshape(weights.shape), np.float32)


def _two_levels(rows: NDArray[Any]) -> NDArray[np.float64] | None:
    exact = rows.astype(np.float64)
    least, most = (x[:, None] for x in (exact.min(axis=1), exact.max(axis=1)))
    moved = exact - (least + most) / 2
    sizes = np.abs(moved)
    spread = sizes.max(axis=1) - sizes.min(axis=1)
    limit = ROUNDING * np.maximum(np.abs(least), np.abs(most))[:, 0]
    return moved if (sizes > 0).all() and (spread <= limit).all() else None


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
