"""Widths of values inside a stage, and the adders of a tree; docs/streaming-costs.md."""

from simulator.machines.streaming.plan import Plan
from simulator.workload import Layer

MOST_LEVELS_BITS = 4
"""ASSUMED: outputs of at most 4 bits are compared with all thresholds at once. Wider outputs are
multiplied by a factor, and an offset is added."""


def tree_adders(numbers: int, bits: int) -> int:
    """Return the full adders that add some numbers of some bits.

    Column by column: every adder takes three bits of a column, the last two if no more are left,
    and gives one bit to the column and one to the next. For 1-bit numbers this is the number of
    ones minus those in its binary form, such as 7 for 9.

    Example:
        >>> tree_adders(9, 1), tree_adders(2, 4)
        (7, 4)

    """
    adders = carries = column = 0
    while column < bits or carries:
        carries = ((numbers if column < bits else 0) + carries) // 2
        adders += carries
        column += 1
    return adders


def sum_bits(plan: Plan) -> int:
    """Bits of the signed sum of an output."""
    layer = plan.layer
    assert isinstance(layer, Layer)
    terms = layer.taps * (layer.in_channels // layer.groups)
    largest_weight = 2 ** (max(1, plan.shape.weight_bits) - 1)
    return int(terms * (2**plan.shape.in_bits - 1) * largest_weight).bit_length() + 1


def accumulated_bits(plan: Plan) -> int:
    """Bits of a value that a pool keeps, which is a maximum or a sum over the window."""
    bits = plan.shape.in_bits
    if plan.main_kind != "average_pool":
        return bits
    return int(plan.shape.taps * (2**bits - 1)).bit_length()


def levels(out_bits: int) -> int:
    """Return the thresholds that a value is compared with at once; 0: a factor and an offset."""
    return int(2**out_bits) - 1 if out_bits <= MOST_LEVELS_BITS else 0


def levels_bits(out_bits: int, value_bits: int) -> int:
    """Return the bits of a channel's thresholds, or of its factor and offset.

    Args:
        out_bits: bits of the result.
        value_bits: bits of the value that is compared.

    """
    return levels(out_bits) * value_bits or out_bits + value_bits
