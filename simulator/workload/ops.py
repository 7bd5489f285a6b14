"""Parameters and bit operations as the paper counts them.

Neither convention counts the operations of the hardware; the simulator counts those separately.
Both conventions count per output pixel and input unit, with n = 2^tau. An input unit is the
channel of a 3x3 kernel or the 8 channels of a 1x1 vector. A kernel of another size with w weights
counts w in place of 9; the paper has no such kernel.

- 1-bit: 9 c_out (3x3), 8 c_out (1x1).
- sub-bit, `main_paper` (ResNet-18/34, Figure 12): 9 n + c_out/2 (3x3), 7 n + c_out/2 (1x1).
- sub-bit, `table6` (ResNet-50, supplement Table 6): 9 n + c_out (3x3), 7 n + c_out (1x1).

A layer with n >= c_out counts as 1-bit. b-bit activations multiply the operations by b. A
full-precision layer counts 64 operations per weight and output pixel. The stored bits are tau per
kernel, without the subsets.
"""

from dataclasses import dataclass
from fractions import Fraction

from simulator.workload.layer import Layer
from simulator.workload.schema import OpsConvention
from simulator.workload.scope import FULL_PRECISION_BITS
from simulator.workload.workload import Workload

FULL_PRECISION_OPS = 64
"""Bit operations of one 32-bit multiply-accumulate (supplement, Table 6: 78.12 G / 1.221 G)."""

_ADDITION: dict[OpsConvention, Fraction] = {"main_paper": Fraction(1, 2), "table6": Fraction(1)}
"""Bit operations to fetch and add one LUT entry."""


@dataclass(frozen=True, slots=True)
class OpCount:
    """Stored weights and operations of one network, for one image."""

    params_mbit: float
    bit_ops_g: float


def count(workload: Workload, convention: OpsConvention) -> OpCount:
    """Count the layers of the workload at its activation bits, for one image."""
    params = sum(_params_bits(layer) for layer in workload.layers)
    ops = sum(_bit_ops(layer, workload.input_bits(layer), convention) for layer in workload.layers)
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
    dot_ops = layer.unit_weights - layer.has_vectors  # a vector's 8 XNORs need 7 additions
    shared = dot_ops * layer.subset_size + _ADDITION[convention] * outputs
    direct = layer.tau is None or layer.subset_size >= outputs
    units = Fraction(layer.in_channels, layer.unit_channels) * layer.out_pixels
    return activation_bits * units * (one_bit if direct else shared)
