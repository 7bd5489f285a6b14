"""A layer as matrix products: im2col, and the elements that wide and binary operands make."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.errors import InputError
from simulator.machines.systolic.schema import Systolic
from simulator.workload import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Gemm:
    """`groups` products of [pixels, reduction] inputs and [reduction, channels] weights.

    An element of a matrix is what a PE multiplies in one cycle.
    """

    groups: int
    """Convolution groups, one after another."""
    pixels: int
    """Output pixels of all images."""
    reduction: int
    channels: int
    """Output channels of a group."""
    input_bits: Fraction
    """Bits of an input element, in DRAM and on chip."""
    weight_bits: Fraction
    """Bits of a weight element, in DRAM and in the scratchpad."""
    output_bits: int
    """Bits of an output in DRAM."""
    map_elements: Fraction
    """Input elements of a group without the copies of im2col; at most pixels x reduction."""
    subset_bits: int
    """Bits of the subset that the decoder loads for the layer; 0: it decodes nothing."""

    @property
    def macs(self) -> int:
        """Element products of all groups."""
        return self.groups * self.pixels * self.reduction * self.channels


def gemm_of(layer: Layer, machine: Systolic, batch: int, activation_bits: int) -> Gemm:
    """Return the matrix products of a layer.

    Args:
        layer: a convolution, or a linear layer of one pixel.
        machine: its operand bits decide the steps.
        batch: images.
        activation_bits: of the layer's inputs, unless it is in full precision.

    Raises:
        InputError: the layer's subset is larger than the decoder.

    """
    operands = layer.kernel**2 * (layer.in_channels // layer.groups)
    pixels = batch * layer.out_pixels
    bits = machine.full_precision.bits if layer.full_precision else activation_bits
    reduction = _reduction(layer, machine, operands, bits)
    map_values = batch * layer.images * layer.in_height * layer.in_width * layer.in_channels
    copies = Fraction(map_values, layer.groups * pixels * operands)
    return Gemm(
        groups=layer.groups,
        pixels=pixels,
        reduction=reduction,
        channels=layer.out_channels // layer.groups,
        input_bits=Fraction(operands * bits, reduction),
        weight_bits=_stored_bits(layer, machine, operands) / reduction,
        output_bits=bits,
        map_elements=min(copies, Fraction(1)) * pixels * reduction,
        subset_bits=_subset_bits(layer, machine),
    )


def _reduction(layer: Layer, machine: Systolic, operands: int, bits: int) -> int:
    """Elements of a sum of so many products: the fewer of two ways for binary weights.

    Parts of an operand that is wider than the PE's multiply one after another, each pair of parts
    in a cycle. With binary weights, a PE takes `dot_width` products of one bit of the inputs in a
    cycle, bit after bit.
    """
    pe = machine.array.pe
    weight_bits = bits if layer.full_precision else 1
    parts = operands * ceil(bits / pe.input_bits) * ceil(weight_bits / pe.weight_bits)
    if layer.full_precision:
        return parts
    return min(parts, ceil(operands / pe.dot_width) * bits)


def _stored_bits(layer: Layer, machine: Systolic, operands: int) -> Fraction:
    """Bits of the weights of an output channel."""
    if layer.full_precision:
        return Fraction(operands * machine.full_precision.bits)
    if _decodes(layer, machine):
        return Fraction(layer.units_in * layer.unit_bits)
    return Fraction(operands)


def _subset_bits(layer: Layer, machine: Systolic) -> int:
    if not _decodes(layer, machine):
        return 0
    if layer.subset_size > machine.decoder_entries:
        raise InputError(
            f"layer {layer.name}: its subset has {layer.subset_size} kernels, the decoder stores "
            f"{machine.decoder_entries}; use a larger decoder_entries, or subbit_weights: expanded"
        )
    return layer.subset_size * layer.unit_weights


def _decodes(layer: Layer, machine: Systolic) -> bool:
    """True if the layer's weights come as indices; if all kernels occur, an index is a kernel."""
    return (
        machine.subbit_weights == "decoded"
        and layer.tau is not None
        and layer.tau < layer.unit_weights
    )
