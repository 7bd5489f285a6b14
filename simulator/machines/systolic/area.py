"""An area proxy: gate equivalents from widths and entries, in the cells of the other machines.

docs/systolic.md writes out the formulas. The proxy omits wires, control, and the clock tree.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from simulator.machines.cells import (
    FLIP_FLOP,
    FULL_ADDER,
    MUX,
    SRAM_BIT,
    SRAM_PORT_BIT,
    STORAGE_BIT,
    XNOR,
    sram_bit,
)
from simulator.machines.systolic.schema import Scratchpad, Systolic
from simulator.machines.vector.area import vector_area

KERNEL_BITS = 9
"""Bits of a kernel in the decoder, unless a network has larger kernels."""
SRAM_PORTS = 2
"""ASSUMED: ports of a scratchpad; DMA fills it during array reads, and sums need both reads and
writes."""
DECODER_SETS = 2
"""ASSUMED: subsets in the decoder; the next layer's subset arrives while the array uses this
layer's."""
SCRATCHPADS = ("input_scratchpad", "weight_scratchpad", "output_scratchpad")


@dataclass(frozen=True, slots=True, kw_only=True)
class SramArea:
    """Gate equivalents of a scratchpad."""

    cells: Fraction
    periphery: Fraction
    """Sense amplifiers, write drivers, output registers."""

    @property
    def one_port_kib(self) -> float:
        """KiB of an SRAM of the same area, with one port and no periphery."""
        return float((self.cells + self.periphery) / (8192 * SRAM_BIT))


def lane_bits(machine: Systolic) -> tuple[int, int]:
    """Bits of an input and of a weight that enter a PE in a cycle."""
    pe = machine.array.pe
    return max(pe.input_bits, pe.dot_width), max(pe.weight_bits, pe.dot_width)


def scratchpads(machine: Systolic) -> dict[str, SramArea]:
    """Area of each scratchpad; a word is the data that crosses the array's edge in a cycle."""
    array, memory = machine.array, machine.memory
    inputs, weights = lane_bits(machine)
    at_columns = array.dataflow == "input_stationary"
    words = (
        (array.columns if at_columns else array.rows) * inputs,
        (array.rows if at_columns else array.columns) * weights,
        array.columns * array.pe.accumulator_bits,
    )
    sizes = (memory.input_scratchpad, memory.weight_scratchpad, memory.output_scratchpad)
    return {
        name: _sram(scratchpad, word)
        for name, scratchpad, word in zip(SCRATCHPADS, sizes, words, strict=True)
    }


def _sram(scratchpad: Scratchpad, word: int) -> SramArea:
    return SramArea(
        cells=Fraction(scratchpad.kib).limit_denominator(1 << 20) * 8192 * sram_bit(SRAM_PORTS),
        periphery=word * SRAM_PORTS * SRAM_PORT_BIT,
    )


def register_bits(machine: Systolic) -> int:
    """Bits of the registers of a PE: moving operands, stationary values, and the sum."""
    array, (inputs, weights) = machine.array, lane_bits(machine)
    sums, sets = array.pe.accumulator_bits, array.register_sets
    return {
        "output_stationary": inputs + weights + sets * sums,
        "weight_stationary": inputs + sets * weights + sums,
        "input_stationary": sets * inputs + weights + sums,
    }[array.dataflow]


def decoder_bits(machine: Systolic, kernel_weights: int = KERNEL_BITS) -> int:
    """Bits of a subset in the decoder; 0 without a decoder."""
    kernel = max(KERNEL_BITS, kernel_weights)
    return machine.decoder_entries * kernel if machine.subbit_weights == "decoded" else 0


def area(machine: Systolic, kernel_weights: int = KERNEL_BITS) -> dict[str, int]:
    """Gate equivalents of each part, rounded up.

    Args:
        machine: the array.
        kernel_weights: weights of the largest binary kernel, for which the decoder has space.

    """
    array, pe = machine.array, machine.array.pe
    parts: dict[str, Fraction] = {
        "multipliers": machine.pes * _multiplier(machine),
        "dots": machine.pes * _dot(machine),
        "accumulators": machine.pes * pe.accumulator_bits * FULL_ADDER,
        "pe_registers": machine.pes * register_bits(machine) * STORAGE_BIT,
        "skew_registers": _skew_bits(machine) * FLIP_FLOP,
        "edge_adders": Fraction(0),
        "decoder": _decoder(machine, max(KERNEL_BITS, kernel_weights)),
        "dma": _dma(machine),
    }
    if machine.vector is not None:
        parts["vector"] = vector_area(machine.vector)
    if array.dataflow != "output_stationary":
        parts["edge_adders"] = array.columns * pe.accumulator_bits * FULL_ADDER
    for name, sram in scratchpads(machine).items():
        parts[name], parts[f"{name}_port"] = sram.cells, sram.periphery
    return {part: ceil(gates) for part, gates in parts.items()}


def _multiplier(machine: Systolic) -> Fraction:
    """Area of a PE's multiplier; 0 for 1-bit operands, because `_dot` counts their XNOR."""
    pe = machine.array.pe
    return Fraction(0) if pe.binary else pe.input_bits * pe.weight_bits * FULL_ADDER


def _dot(machine: Systolic) -> Fraction:
    """Area of a PE's XNORs and the adders that count their ones; 0 if the multiplier suffices."""
    pe = machine.array.pe
    if pe.dot_width == 1 and not pe.binary:
        return Fraction(0)
    return pe.dot_width * XNOR + (pe.dot_width - pe.dot_width.bit_count()) * FULL_ADDER


def _skew_bits(machine: Systolic) -> int:
    """Bits of the delay lines at the edges: row or column n delays by n cycles."""
    array, (inputs, weights) = machine.array, lane_bits(machine)
    at_rows = weights if array.dataflow == "input_stationary" else inputs
    output_stationary = array.dataflow == "output_stationary"
    at_columns = weights if output_stationary else array.pe.accumulator_bits
    return (
        array.rows * (array.rows - 1) // 2 * at_rows
        + array.columns * (array.columns - 1) // 2 * at_columns
    )


def _decoder(machine: Systolic, kernel: int) -> Fraction:
    """Area of the decoder: the subset's kernels, and a port for each kernel that enters at once."""
    if machine.subbit_weights == "expanded":
        return Fraction(0)
    array = machine.array
    lanes = array.rows if array.dataflow == "input_stationary" else array.columns
    ports = lanes * ceil(array.pe.dot_width / KERNEL_BITS)
    words = DECODER_SETS * machine.decoder_entries * ceil(kernel / KERNEL_BITS)
    tree = (words - 1) * KERNEL_BITS * MUX
    return DECODER_SETS * decoder_bits(machine, kernel) * STORAGE_BIT + ports * tree


def _dma(machine: Systolic) -> Fraction:
    """Area of the DMA channels: a burst, and a register for the bits that move in a cycle."""
    moved = 8 * machine.dma_channel.bytes_per_cycle
    channels = 3 if machine.array.dataflow == "output_stationary" else 4
    return channels * (8 * machine.dram.burst_bytes * STORAGE_BIT + moved * FLIP_FLOP)
