"""A layer as matrix products: im2col, and the elements of wide and binary operands."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.base.errors import InputError
from simulator.machines.systolic.schema import Systolic
from simulator.workload import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm:
    """`groups` products of [pixels, reduction] inputs and [reduction, channels] weights.

    An element of a matrix is the operand that a PE multiplies in one cycle.
    """

    groups: int
    """Convolution groups; they run one after another."""
    pixels: int
    """Output pixels of all images."""
    reduction: int
    channels: int
    """Output channels of a group."""
    input_bits: Fraction
    """Bits of an input element in DRAM and on chip."""
    weight_bits: Fraction
    """Bits of a weight element in DRAM and in the scratchpad."""
    expanded_weight_bits: Fraction
    """Bits of a weight element in the array."""
    activation_bits: int
    """Bits of an input of the layer."""
    map_elements: Fraction
    """Input elements of a group without the copies of im2col; at most pixels x reduction."""
    subset_bits: int
    """Bits of the subset that the decoder loads for the layer; 0: no decoding."""
    binary_products: int
    """Products of 1 bit by 1 bit; 0: the multipliers of the PEs do all products."""

    @property
    def outputs(self) -> int:
        """Outputs of all groups."""
        return self.groups * self.pixels * self.channels

    @property
    def products(self) -> int:
        """Products of two elements, in all groups."""
        return self.outputs * self.reduction


def gemm_of(layer: Layer, machine: Systolic, batch: int, activation_bits: int) -> Gemm:
    """Return the matrix products of a layer.

    Args:
        layer: a convolution, or a linear layer of one pixel.
        machine: the array; its operand bits determine the steps.
        batch: images.
        activation_bits: bits of the layer's inputs, unless it is in full precision.

    Raises:
        InputError: the layer's subset is larger than the decoder.

    """
    operands = layer.taps * (layer.in_channels // layer.groups)
    pixels = batch * layer.out_pixels
    bits = machine.full_precision.bits if layer.full_precision else activation_bits
    weight_bits = machine.full_precision.bits if layer.full_precision else 1
    bit_by_bit = _bit_by_bit(machine, operands, bits, weight_bits)
    in_parts = _in_parts(machine, operands, bits, weight_bits)
    reduction = min(bit_by_bit, in_parts)
    binary = bit_by_bit < in_parts or machine.array.pe.binary
    map_values = batch * layer.images * layer.in_height * layer.in_width * layer.in_channels
    copies = Fraction(map_values, layer.groups * pixels * operands)
    decodes = _decodes(layer, machine)
    stored = layer.units_in * layer.unit_bits if decodes else operands * weight_bits
    return Gemm(
        groups=layer.groups,
        pixels=pixels,
        reduction=reduction,
        channels=layer.out_channels // layer.groups,
        input_bits=Fraction(operands * bits, reduction),
        weight_bits=Fraction(stored, reduction),
        expanded_weight_bits=Fraction(operands * weight_bits, reduction),
        activation_bits=bits,
        map_elements=min(copies, Fraction(1)) * pixels * reduction,
        subset_bits=layer.subset_size * layer.unit_weights if decodes else 0,
        binary_products=pixels * layer.out_channels * operands * bits * weight_bits * binary,
    )


def _in_parts(machine: Systolic, operands: int, bits: int, weight_bits: int) -> int:
    """Elements of a sum on the multipliers: pairs of parts as wide as the operands of a PE."""
    pe = machine.array.pe
    return operands * ceil(bits / pe.input_bits) * ceil(weight_bits / pe.weight_bits)


def _bit_by_bit(machine: Systolic, operands: int, bits: int, weight_bits: int) -> int:
    """Elements of a sum bit by bit: `dot_width` products for each pair of bits."""
    return ceil(operands / machine.array.pe.dot_width) * bits * weight_bits


def is_sub_bit(layer: Layer) -> bool:
    """True if an index of the layer has fewer bits than a kernel."""
    return not layer.full_precision and layer.tau is not None and layer.tau < layer.unit_weights


def _decodes(layer: Layer, machine: Systolic) -> bool:
    """True if the layer loads its weights as indices; if all kernels occur, an index is a kernel.

    Raises:
        InputError: the layer's subset is larger than the decoder.

    """
    if not is_sub_bit(layer) or machine.subbit_weights == "expanded":
        return False
    if layer.subset_size > machine.decoder_entries:
        raise InputError(
            f"decoder_entries is {machine.decoder_entries}: layer {layer.name} needs at least "
            f"{layer.subset_size}, all kernels of its subset (tau {layer.tau})"
        )
    return True
