"""Choose a layer's subset and every kernel's index into it, from real weights.

The kernel of a weight is the nearest row of its layer's subset, `argmin ||k - w||^2` over the rows
k (supplement C); all rows have one length, so that is `argmax k . w`: one matrix product per layer.
A tie goes to the lowest row. docs/extract.md describes the ways to choose.
"""

from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload.kernels import KernelSet, ids_of, signs_of
from simulator.workload.layer import VECTOR_CHANNELS
from simulator.workload.trained import TrainedLayer

Method = Literal["refined", "random", "uniform", "frequent"]
Floats = NDArray[np.float32]
Ids = NDArray[np.uint16]

_PRODUCTS = 1 << 23
"""Dot products of a matrix product (64 MB): a larger layer is cut into several."""


def units_of(weights: Floats) -> Floats:
    """[out_channels, units, 9 or 8] the real values of every kernel or vector of a layer.

    Channels of a 1x1 layer that do not divide by 8 are padded with weights of 0: whatever the sign
    of a row there, it adds nothing to the row's dot product and so has no say in the choice.

    Args:
        weights: [out_channels, in_channels / groups, kernel, kernel].

    """
    outputs, channels, kernel, _ = weights.shape
    if kernel == 3:
        return weights.reshape(outputs, channels, 9)
    padded = np.pad(weights.reshape(outputs, channels), ((0, 0), (0, -channels % VECTOR_CHANNELS)))
    return padded.reshape(outputs, -1, VECTOR_CHANNELS)


def nearest_rows(units: Floats, subset: Ids) -> NDArray[np.uint16]:
    """[out_channels, units] the row of `subset` that is nearest to each of `units`.

    In double precision the sums of 9 single-precision weights are exact (unless one is 2^25 times
    another), so a tie is a tie on every machine.
    """
    rows = units.reshape(-1, units.shape[-1]).astype(np.float64)
    kernels = signs_of(subset, units.shape[-1]).astype(np.float64).T
    step = max(1, _PRODUCTS // len(subset))
    nearest = np.concatenate(
        [(rows[at : at + step] @ kernels).argmax(axis=1) for at in range(0, len(rows), step)]
    )
    return nearest.reshape(units.shape[:2]).astype(np.uint16)


def one_bit(units: Floats) -> KernelSet:
    """Every weight's sign: all kernels may occur, so an index is the kernel's id."""
    size = units.shape[-1]
    return KernelSet(size, np.arange(1 << size, dtype=np.uint16), ids_of(units))


def refined(units: Floats, patterns: Floats) -> KernelSet:
    """The subset that training left in the checkpoint: the signs of its patterns, row by row."""
    return _assigned(units, ids_of(patterns))


def occurring(units: Floats) -> KernelSet:
    """The kernels that weights which are signs already use, in the order of their ids."""
    ids = ids_of(units)
    subset, indices = np.unique(ids, return_inverse=True)
    return KernelSet(
        units.shape[-1],
        subset.astype(np.uint16),
        indices.reshape(ids.shape).astype(np.uint16),
    )


def chosen(
    method: Literal["random", "uniform", "frequent"], units: Floats, tau: int, seed: tuple[int, ...]
) -> KernelSet:
    """A subset of 2^tau kernels, in the order of their ids.

    Args:
        method: `random`: without replacement (Vanilla-SNN). `uniform`: at one interval of ids,
            from id 0 (supplement E, Baseline A). `frequent`: those that the signs of the weights
            use most (Baseline B); of equally frequent ones the lowest ids.
        units: [out_channels, units, 9 or 8] real weights.
        tau: bits of an index, at most 9 or 8.
        seed: of `random`.

    """
    total, size = 1 << units.shape[-1], 1 << tau
    if method == "random":
        subset = np.random.default_rng(seed).permutation(total)[:size]
    elif method == "uniform":
        subset = np.arange(size) * (total // size)
    else:
        counts = np.bincount(ids_of(units).ravel(), minlength=total)
        subset = np.argsort(-counts, kind="stable")[:size]
    return _assigned(units, np.sort(subset).astype(np.uint16))


def _assigned(units: Floats, subset: Ids) -> KernelSet:
    return KernelSet(units.shape[-1], subset, nearest_rows(units, subset))


def held_tau(trained: TrainedLayer) -> int | None:
    """Bits of an index that the file itself gives a layer; None: 1 bit a weight.

    Patterns give log2 of their number. Weights that are signs, times one positive factor per
    output channel or not, give ceil(log2(kernels that occur)), and 1 bit where that would be as
    many bits as the signs themselves: 9 of a 3x3 kernel, 8 of a vector.
    """
    if trained.patterns is not None:
        return int(len(trained.patterns) - 1).bit_length()
    if not _are_signs(trained.weights):
        return None
    units = units_of(trained.weights)
    tau = max(1, ceil(np.log2(len(np.unique(ids_of(units))))))
    return tau if tau < units.shape[-1] else None


def _are_signs(weights: Floats) -> bool:
    sizes = np.abs(weights).reshape(len(weights), -1)
    return bool((sizes[:, 0] > 0).all() and (sizes == sizes[:, :1]).all())


def kernels_of(
    trained: TrainedLayer, tau: int | None, method: Method | None, seed: tuple[int, ...]
) -> KernelSet:
    """The kernels of one layer.

    Args:
        trained: the layer's real weights.
        tau: bits of an index; None means 1 bit a weight: the signs of the weights.
        method: how the subset is chosen; None means as the file holds it.
        seed: of `random`.

    Raises:
        InputError: the file holds no subset, or one of another tau, where that is asked for.

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
    held = held_tau(trained)
    if trained.patterns is None and (method == "refined" or held is None):
        raise InputError(
            f"layer {trained.name!r} holds no patterns and has no refined subset; "
            "use --subset random, uniform, or frequent"
        )
    if held != tau:
        asked = "1 bit" if tau is None else f"tau {tau}"
        raise InputError(
            f"layer {trained.name!r} holds a subset of tau {held}, not {asked}; "
            "use --subset random, uniform, or frequent, or keep its tau"
        )


def squared_error(weights: Floats, kernels: KernelSet) -> float:
    """Binarisation error of a layer: the sum of (w - k)^2 over its weights, padding left out."""
    outputs, channels, kernel, _ = weights.shape
    signs = kernels.signs().reshape(outputs, -1)[:, : channels * kernel**2]
    difference = weights.reshape(outputs, -1) - signs
    return float(np.square(difference, dtype=np.float64).sum())


def lost_share(weights: Floats, kernels: KernelSet) -> float:
    """Share of the weights' energy lost, 0 to 1, if every output channel has its best scale.

    The sum of (w - a k)^2 over the sum of w^2, with a = mean(w k) of the output channel, which is
    the least-squares scale. It does not depend on the scale of the weights, as the errors do.
    """
    outputs, channels, kernel, _ = weights.shape
    signs = kernels.signs().reshape(outputs, -1)[:, : channels * kernel**2]
    rows = weights.reshape(outputs, -1).astype(np.float64)
    energy = np.square(rows).sum()
    kept = np.square((rows * signs).sum(axis=1)).sum() / rows.shape[1]
    return float(1 - kept / energy) if energy else 0.0


def squared_sign_error(weights: Floats) -> float:
    """The least error that any kernels reach: that of the signs, the sum of (|w| - 1)^2."""
    return float(np.square(np.abs(weights) - 1, dtype=np.float64).sum())
