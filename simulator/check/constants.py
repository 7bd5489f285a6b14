"""Constants of layers as a machine stores them, and exact sums of a layer in full precision."""

import numpy as np

from simulator.check import plain
from simulator.check.reference import shifted_sums
from simulator.machines.vector import compute
from simulator.machines.vector.numbers import Integers, Numbers
from simulator.workload import Layer
from simulator.workload.values import LayerValues


def affine_of(values: LayerValues, channels: int) -> tuple[plain.Real, plain.Real]:
    """Factor and summand of a binary layer's sums."""
    alpha = np.ones(channels) if values.alpha is None else values.alpha.astype(np.float64)
    bias = np.zeros(channels) if values.bias is None else values.bias.astype(np.float64)
    return alpha, bias


def as_stored(values: LayerValues, entering: Numbers) -> LayerValues:
    """The slope of PReLU as the machine stores it."""
    if values.slope is None:
        return values
    slope = values.slope.astype(np.float64)
    factors, own, _ = compute.constants(slope, np.zeros_like(slope), entering.exponent)
    return LayerValues(slope=Numbers(factors, own).real)


def exact_sums(layer: Layer, weights: Integers, entering: Integers) -> Integers:
    """[images, out_channels, out_height, out_width] the twin's sums, exact in any case."""
    per_output = np.abs(weights).reshape(len(weights), -1).sum(axis=1).max(initial=0)
    exact = int(per_output) * int(np.abs(entering).max(initial=0)) < 1 << 53
    kind = np.float64 if exact else np.int64
    sums = shifted_sums(layer, weights.astype(kind), entering.astype(kind), range(layer.out_height))
    return sums.transpose(1, 0, 2, 3).astype(np.int64)
