"""Parameters and bit operations as the paper counts them.

Neither convention is what the hardware does; the simulator counts that itself. Both count, per
output pixel and input unit (a 3x3 kernel's channel, or a 1x1 vector's 8 channels) with n = 2^tau:

- 1-bit: 9 c_out (3x3), 8 c_out (1x1).
- sub-bit, `main_paper` (ResNet-18/34, Figure 12): 9 n + c_out/2 (3x3), 7 n + c_out/2 (1x1).
- sub-bit, `table6` (ResNet-50, supplement Table 6): 9 n + c_out (3x3), 7 n + c_out (1x1).

A layer with n >= c_out is counted as 1-bit. b-bit activations count b times, a full-precision
layer 64 times its weights. Stored bits: tau per kernel, the subsets themselves not counted.
"""

from dataclasses import dataclass
from fractions import Fraction

from simulator.workload.layer import Layer
from simulator.workload.schema import OpsConvention
from simulator.workload.workload import FULL_PRECISION_BITS, Workload

FULL_PRECISION_OPS = 64
"""Bit operations of one 32-bit multiply-accumulate (supplement, Table 6: 78.12 G / 1.221 G)."""

_ADDITION: dict[OpsConvention, Fraction] = {"main_paper": Fraction(1, 2), "table6": Fraction(1)}
"""Bit operations of fetching one table entry and adding it."""


@dataclass(frozen=True, slots=True)
class OpCount:
    """Stored weights and operations of one network, for one image."""

    params_mbit: float
    bit_ops_g: float


def count(workload: Workload, convention: OpsConvention) -> OpCount:
    """Count the layers that the workload holds, at its activation bits, for one image."""
    params = sum(_params_bits(layer) for layer in workload.layers)
    ops = sum(_bit_ops(layer, workload.activation_bits, convention) for layer in workload.layers)
    return OpCount(params_mbit=float(params) / 1e6, bit_ops_g=float(ops) / 1e9)


def count_full_precision(workload: Workload) -> OpCount:
    """Count the same layers with 32-bit weights and activations (the paper's 32/32 rows)."""
    return OpCount(
        params_mbit=FULL_PRECISION_BITS * sum(layer.weights for layer in workload.layers) / 1e6,
        bit_ops_g=FULL_PRECISION_OPS * sum(layer.macs for layer in workload.layers) / 1e9,
    )


def _params_bits(layer: Layer) -> Fraction:
    if layer.full_precision:
        return Fraction(FULL_PRECISION_BITS * layer.weights)
    return Fraction(layer.weights, layer.unit_weights) * layer.unit_bits


def _bit_ops(layer: Layer, activation_bits: int, convention: OpsConvention) -> Fraction:
    if layer.full_precision:
        return Fraction(FULL_PRECISION_OPS * layer.macs)
    outputs = layer.out_channels // layer.groups
    one_bit = Fraction(layer.unit_weights * outputs)
    dot_ops = 9 if layer.kernel == 3 else 7  # a vector's 8 XNORs need 7 additions
    shared = dot_ops * layer.subset_size + _ADDITION[convention] * outputs
    direct = layer.tau is None or layer.subset_size >= outputs
    units = Fraction(layer.in_channels, layer.unit_channels) * layer.out_pixels
    return activation_bits * units * (one_bit if direct else shared)
