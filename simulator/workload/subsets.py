"""Choose a layer's subset, and every kernel's index into the subset, from real weights.

The kernel for weights w is the nearest row of the layer's subset: `argmin ||k - w||^2` over the
rows k (supplement C). Because all rows have the same length, this is `argmax k . w`, one matrix
product per layer. A tie goes to the lowest row. docs/extract.md describes the methods of choice.
"""

from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.kernels import (
    LISTED_WEIGHTS,
    Ids,
    Indices,
    KernelSet,
    id_type,
    ids_of,
    index_type,
    signs_of,
)
from simulator.workload.layer import MAX_TAU, VECTOR_CHANNELS
from simulator.workload.trained import TrainedLayer

Method = Literal["refined", "random", "uniform", "frequent"]
Floats = NDArray[np.float32]

_PRODUCTS = 1 << 23
"""Dot products per matrix product (64 MB); a larger layer needs several products."""


def units_of(weights: Floats) -> Floats:
    """[out_channels, units, unit weights] the real values of every kernel or vector of a layer.

    Weights of 0 pad the channels of a 1x1 layer to a multiple of 8. They add 0 to the dot product
    with any row and therefore do not affect the choice.

    Args:
        weights: [out_channels, in_channels / groups, kernel rows, kernel columns].

    """
    outputs, channels, rows, columns = weights.shape
    if rows * columns > 1:
        return weights.reshape(outputs, channels, rows * columns)
    padded = np.pad(weights.reshape(outputs, channels), ((0, 0), (0, -channels % VECTOR_CHANNELS)))
    return padded.reshape(outputs, -1, VECTOR_CHANNELS)


def nearest_rows(units: Floats, subset: Ids) -> Indices:
    """[out_channels, units] the row of `subset` that is nearest to each of `units`.

    In double precision, the sums of 9 single-precision weights are exact, unless one weight is 2^25
    times another (63 weights: 2^23 times). A tie is therefore a tie on every computer.
    """
    rows = units.reshape(-1, units.shape[-1]).astype(np.float64)
    kernels = signs_of(subset, units.shape[-1]).astype(np.float64).T
    step = max(1, _PRODUCTS // len(subset))
    nearest = np.concatenate(
        [(rows[at : at + step] @ kernels).argmax(axis=1) for at in range(0, len(rows), step)]
    )
    return nearest.reshape(units.shape[:2]).astype(index_type(len(subset)))


def one_bit(units: Floats) -> KernelSet:
    """Use the signs of the weights: the subset has all kernels, and indices are ids.

    Of kernels with more than `LISTED_WEIGHTS` weights, the subset has those that occur.
    """
    size, ids = units.shape[-1], ids_of(units)
    if size <= LISTED_WEIGHTS:
        return KernelSet(size, np.arange(1 << size, dtype=np.uint16), ids.astype(np.uint16))
    subset, indices = np.unique(ids, return_inverse=True)
    return KernelSet(size, subset, indices.reshape(ids.shape).astype(index_type(len(subset))))


def refined(units: Floats, patterns: Floats) -> KernelSet:
    """Use the subset of the checkpoint: the signs of its patterns, row by row."""
    return _assigned(units, ids_of(patterns))


def occurring(units: Floats) -> KernelSet:
    """Use the kernels that occur in weights that are signs, in the order of their ids.

    All kernels are equally near to the weights of a dead channel, which therefore has the first.
    """
    ids = ids_of(units)
    live = _live(units)
    subset = np.unique(ids[live])
    indices = np.searchsorted(subset, ids) * live[:, None]
    return KernelSet(units.shape[-1], subset, indices.astype(index_type(len(subset))))


def chosen(
    method: Literal["random", "uniform", "frequent"], units: Floats, tau: int, seed: tuple[int, ...]
) -> KernelSet:
    """Choose a subset of 2^tau kernels, in the order of their ids.

    Args:
        method: `random`: draw ids without replacement (Vanilla-SNN). `uniform`: take ids at equal
            intervals, from id 0 (supplement E, Baseline A). `frequent`: take the most frequent
            kernels among the signs of the weights (Baseline B); lower ids win ties.
        units: [out_channels, units, unit weights] real weights.
        tau: bits of an index, at most the weights of a unit.
        seed: seed of `random`.

    """
    weights, size = units.shape[-1], 1 << tau
    subset: Ids
    if method == "random":
        subset = random_ids(np.random.default_rng(seed), weights, size)
    elif method == "uniform":
        subset = np.arange(size) << weights - tau
    else:
        subset = _frequent(ids_of(units), weights, size)
    return _assigned(units, np.sort(subset).astype(id_type(weights)))


def random_ids(rng: np.random.Generator, unit_weights: int, size: int) -> NDArray[np.int64]:
    """[size] different kernel ids, drawn at random."""
    if unit_weights <= LISTED_WEIGHTS:
        return rng.permutation(1 << unit_weights)[:size]
    drawn: dict[int, None] = {}
    while len(drawn) < size:
        drawn |= dict.fromkeys(rng.integers(0, 1 << unit_weights, size).tolist())
    return np.array([*drawn][:size], dtype=np.int64)


def _frequent(ids: Ids, unit_weights: int, size: int) -> Ids:
    """[size] the most frequent ids, then the lowest of those that do not occur."""
    if unit_weights <= LISTED_WEIGHTS:
        counts = np.bincount(ids.ravel(), minlength=1 << unit_weights)
        return np.argsort(-counts, kind="stable")[:size]
    found, counts = np.unique(ids, return_counts=True)
    most = found[np.argsort(-counts, kind="stable")][:size]
    others = np.setdiff1d(np.arange(2 * size), most)  # 2^tau lower ids are enough
    return np.concatenate([most, others[: size - len(most)]])


def _assigned(units: Floats, subset: Ids) -> KernelSet:
    return KernelSet(units.shape[-1], subset, nearest_rows(units, subset))


def held_tau(trained: TrainedLayer) -> int | None:
    """Bits of an index of a layer according to the file; None means 1 bit per weight.

    With patterns, tau is log2 of their number. With weights that are signs, possibly times one
    factor per output channel, tau is `least_tau`, if a subset saves bits: the indices and the
    kernels in use must take fewer bits than the weights. A small layer of a BNN has few kernels
    too, but a subset of them would not save any.
    """
    if trained.patterns is not None:
        return int(len(trained.patterns) - 1).bit_length()
    tau = least_tau(trained)
    if tau is None:
        return None
    units = units_of(trained.weights)
    kernels, size = units.shape[0] * units.shape[1], units.shape[-1]
    stored = kernels * tau + _kernels_in_use(units) * size
    return tau if stored < kernels * size else None


def least_tau(trained: TrainedLayer) -> int | None:
    """Bits of an index into the kernels of weights that are signs; None for other weights.

    That is ceil(log2(kernels that occur)), at least 1; None also if an index has as many bits as a
    kernel, or more than `MAX_TAU`.
    """
    if trained.levels.kind != "signs":
        return None
    units = units_of(trained.weights)
    tau = max(1, ceil(np.log2(_kernels_in_use(units))))
    return tau if tau < units.shape[-1] and tau <= MAX_TAU else None


def _kernels_in_use(units: Floats) -> int:
    """Number of kernels that occur, except in dead channels."""
    return len(np.unique(ids_of(units[_live(units)])))


def _live(units: Floats) -> NDArray[np.bool_]:
    """[out_channels] true if a weight of the channel is not 0."""
    live: NDArray[np.bool_] = np.any(units != 0, axis=(1, 2))
    return live


def kernels_of(
    trained: TrainedLayer, tau: int | None, method: Method | None, seed: tuple[int, ...]
) -> KernelSet:
    """Choose the kernels of one layer.

    Args:
        trained: the layer's real weights.
        tau: bits of an index; None means 1 bit per weight: the signs of the weights.
        method: method that chooses the subset; None means the subset in the file.
        seed: seed of `random`.

    Raises:
        InputError: the choice needs the file's subset, but the file has no subset of this tau.

    """
    units = units_of(trained.weights)
    if method == "refined" or (method is None and tau is not None):
        _require_held(trained, tau, method)
    if tau is None:
        return one_bit(units)
    if method in {"random", "uniform", "frequent"}:
        return chosen(method, units, tau, seed)
    return occurring(units) if trained.patterns is None else refined(units, trained.patterns)


def _require_held(trained: TrainedLayer, tau: int | None, method: Method | None) -> None:
    has_patterns = trained.patterns is not None
    held = held_tau(trained) if has_patterns else least_tau(trained)
    if not has_patterns and (method == "refined" or held is None):
        raise InputError(
            f"layer {trained.name!r} holds no patterns and has no refined subset; "
            "use --subset random, uniform, or frequent"
        )
    if not has_patterns and held is not None and tau is not None:
        if held > tau:
            raise InputError(
                f"layer {trained.name!r} uses {_kernels_in_use(units_of(trained.weights))} "
                f"kernels, more than the {1 << tau} of tau {tau}; use --subset random, uniform, or "
                "frequent, or keep its bits"
            )
    elif held != tau:
        asked = "1 bit" if tau is None else f"tau {tau}"
        raise InputError(
            f"layer {trained.name!r} holds a subset of tau {held}, not {asked}; "
            "use --subset random, uniform, or frequent, or keep its tau"
        )


def squared_error(weights: Floats, kernels: KernelSet) -> float:
    """Binarization error of a layer: the sum of (w - k)^2 over its weights, without padding."""
    outputs, signs = len(weights), _signs_like(weights, kernels)
    difference = weights.reshape(outputs, -1) - signs
    return float(np.square(difference, dtype=np.float64).sum())


def _signs_like(weights: Floats, kernels: KernelSet) -> NDArray[np.int8]:
    """[out_channels, weights per channel] the signs of the kernels, without padding."""
    outputs = len(weights)
    return kernels.signs().reshape(outputs, -1)[:, : weights[0].size]


def lost_share(weights: Floats, kernels: KernelSet) -> float:
    """Fraction of the weights' energy lost, 0 to 1, if every output channel has its best scale.

    The fraction is the sum of (w - a k)^2 over the sum of w^2. The least-squares scale of an output
    channel is a = mean(w k). Unlike the errors, the fraction does not depend on the scale of the
    weights.
    """
    outputs, signs = len(weights), _signs_like(weights, kernels)
    rows = weights.reshape(outputs, -1).astype(np.float64)
    energy = np.square(rows).sum()
    kept = np.square((rows * signs).sum(axis=1)).sum() / rows.shape[1]
    return max(0.0, float(1 - kept / energy)) if energy else 0.0  # rounding gives up to -1e-15


def squared_sign_error(weights: Floats) -> float:
    """The smallest error that any kernels reach, the error of the signs: the sum of (|w| - 1)^2."""
    return float(np.square(np.abs(weights) - 1, dtype=np.float64).sum())
