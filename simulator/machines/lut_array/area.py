"""An area proxy: gate equivalents (GE, one 2-input NAND) from widths and entries.

The proxy counts the cells of every storage bit, adder, multiplexer and port that the hardware file
implies. It omits wires, control and the clock tree. docs/energy.md gives the formulas.
reports/rtl_cells.md compares the proxy with synthesized PEs.
"""

from fractions import Fraction
from functools import lru_cache
from math import ceil

from simulator.machines.cells import FLIP_FLOP, FULL_ADDER, MUX, STORAGE_BIT, XNOR
from simulator.machines.lut_array.buffers import activation_buffer, dma, index_buffer
from simulator.machines.lut_array.schema import DOT_WIDTH, LutArray
from simulator.machines.vector.area import vector_area

POPCOUNT_ADDERS = 7
"""Full adders that count the ones of 9 bits: 9 minus the 2 ones in the binary form of 9."""


def dot_bits(kernel_weights: int) -> int:
    """Bits of a dot product from -w to w, 5 for at most 9 weights.

    All values between occur because a padded position adds 0.
    """
    return (2 * max(DOT_WIDTH, kernel_weights)).bit_length()


def lut_bits(activation_bits: int, kernel_weights: int = DOT_WIDTH) -> int:
    """Width of a LUT entry in bits; each activation bit after the first adds one."""
    return dot_bits(kernel_weights) + activation_bits - 1


def sum_bits(hardware: LutArray, activation_bits: int) -> int:
    """Width of a partial sum in bits."""
    return hardware.array.pe.partial_sum_bits + activation_bits - 1


def bank_bits(
    hardware: LutArray, activation_bits: int, kernel_weights: int = DOT_WIDTH
) -> dict[str, int]:
    """Bits of a bank of each memory of a PE.

    The partial-sum buffer and the index registers have one bank per accumulator lane.
    """
    pe, kernel = hardware.array.pe, max(DOT_WIDTH, kernel_weights)
    return {
        "subset": pe.subset_size * kernel,
        "lut": pe.lut_size * lut_bits(activation_bits, kernel),
        "line_buffer": _lane_sums(hardware) * sum_bits(hardware, activation_bits),
        "index_register": _lane_sums(hardware) * kernel,
    }


def _lanes(hardware: LutArray) -> int:
    """Accumulator lanes: accumulators with a sum of their own in the partial-sum buffer."""
    return min(hardware.array.pe.accumulators, hardware.array.pe.partial_sums)


def _lane_sums(hardware: LutArray) -> int:
    return ceil(hardware.array.pe.partial_sums / _lanes(hardware))


def _pe_area(hardware: LutArray, activation_bits: int, kernel_weights: int) -> dict[str, Fraction]:
    """Gate equivalents of each part of one PE.

    Kernels of more than 9 weights enter a dot unit in parts, and their registers are as wide.
    """
    pe, lanes, sums = hardware.array.pe, _lanes(hardware), _lane_sums(hardware)
    kernel = max(DOT_WIDTH, kernel_weights)
    dot_parts = ceil(kernel / DOT_WIDTH)
    entry, total = lut_bits(activation_bits, kernel), sum_bits(hardware, activation_bits)
    bank = bank_bits(hardware, activation_bits, kernel)
    registers = bank["index_register"] * STORAGE_BIT * pe.index_register_sets
    index_words = pe.index_register_sets * sums * dot_parts
    return {
        "dot": pe.dots_per_cycle * _dot(kernel),
        "input_registers": 2 * kernel * activation_bits * FLIP_FLOP,
        "subset": bank["subset"] * STORAGE_BIT
        + pe.dots_per_cycle * _port(pe.subset_size * dot_parts, DOT_WIDTH),
        "lut": pe.lut_banks * bank["lut"] * STORAGE_BIT + _lut_ports(hardware, entry),
        "index_registers": lanes * (registers + _port(index_words, DOT_WIDTH)),
        "accumulators": lanes * total * (FULL_ADDER + FLIP_FLOP),
        "line_buffer": lanes * (bank["line_buffer"] * STORAGE_BIT + _port(sums, total)),
    }


def _dot(kernel_weights: int) -> Fraction:
    """Gate equivalents of a dot unit; one for larger kernels chooses a part and adds up parts."""
    dot = DOT_WIDTH * XNOR + POPCOUNT_ADDERS * FULL_ADDER
    if kernel_weights <= DOT_WIDTH:
        return dot
    chosen = _port(ceil(kernel_weights / DOT_WIDTH), DOT_WIDTH)
    return dot + chosen + dot_bits(kernel_weights) * (FULL_ADDER + FLIP_FLOP)


def _lut_ports(hardware: LutArray, width: int) -> Fraction:
    """Gate equivalents of a PE's LUT read ports; a crossbar joins sub-banks and lanes."""
    pe, lanes = hardware.array.pe, _lanes(hardware)
    if pe.lut_subbanks == "none":
        ports = lanes if pe.lut_read_ports == "accumulators" else min(pe.lut_read_ports, lanes)
        return ports * _port(pe.lut_banks * pe.lut_size, width)
    parts = min(pe.lut_subbanks, pe.lut_size)
    inside = _port(pe.lut_banks * ceil(pe.lut_size / max(1, parts)), width)
    return parts * inside + lanes * _port(parts, width)


def area(
    hardware: LutArray, activation_bits: int = 1, kernel_weights: int = DOT_WIDTH
) -> dict[str, int]:
    """Gate equivalents of each part of the whole array and of its memory, rounded up.

    Args:
        hardware: the machine.
        activation_bits: bits of the widest activation.
        kernel_weights: weights of the largest binary kernel; a PE has space for at least 9.

    """
    return dict(_area(hardware, activation_bits, kernel_weights))


@lru_cache(maxsize=256)
def _area(hardware: LutArray, activation_bits: int, kernel_weights: int) -> dict[str, int]:
    """Gate equivalents as in `area`, cached because every run of a study needs its leakage."""
    array, full = hardware.array, hardware.full_precision
    of_pe = _pe_area(hardware, activation_bits, kernel_weights)
    parts = {part: array.pes * gates for part, gates in of_pe.items()}
    channels = array.spatial == "input_channels"
    adder = _lanes(hardware) * sum_bits(hardware, activation_bits) * FULL_ADDER
    parts["adder_tree"] = (array.pes - 1) * adder * channels
    parts["thresholds"] = (1 if channels else array.pes) * adder
    mac = full.bits * full.bits * FULL_ADDER + 2 * full.bits * FLIP_FLOP
    parts["mac"] = full.macs_per_cycle * mac
    parts["dma"] = dma(hardware)
    if hardware.vector is not None:
        parts["vector"] = vector_area(hardware.vector)
    for part, buffer in (
        ("index", index_buffer(hardware)),
        ("activation", activation_buffer(hardware, activation_bits)),
    ):
        parts[f"{part}_port"], parts[f"{part}_buffer"] = buffer.periphery, buffer.cells
    return {part: ceil(gates) for part, gates in parts.items()}


def memory_kib(
    hardware: LutArray, activation_bits: int, kernel_weights: int = DOT_WIDTH
) -> dict[str, float]:
    """Size in KiB of a bank of each memory, for the energy of its bits.

    A buffer counts as an SRAM of the same area with one port and no periphery.
    """
    banks = bank_bits(hardware, activation_bits, kernel_weights)
    return {memory: bits / 8192 for memory, bits in banks.items()} | {
        "index_buffer": index_buffer(hardware).one_port_kib,
        "activation_buffer": activation_buffer(hardware, activation_bits).one_port_kib,
    }


def _port(entries: int, width: int) -> Fraction:
    """Gate equivalents of a read port: a tree of multiplexers."""
    return max(0, entries - 1) * width * MUX
