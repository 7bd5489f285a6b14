"""Area of the two on-chip buffers and of the DMA channels: cells, ports, banks and widths."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

from simulator.machines.cells import FLIP_FLOP, MUX, SRAM_BIT, SRAM_PORT_BIT, STORAGE_BIT, sram_bit
from simulator.machines.lut_array.schema import (
    DOT_WIDTH,
    ActivationBuffer,
    IndexBuffer,
    LutArray,
)

DMA_CHANNELS = 3
"""The number of DMA channels: weights, inputs and outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BufferArea:
    """Gate equivalents of an SRAM."""

    cells: Fraction
    """Stored bits, including their decoders and drivers."""
    periphery: Fraction
    """Sense amplifiers, write drivers, output registers, and bank multiplexers."""

    @property
    def one_port_kib(self) -> float:
        """Size in KiB of an SRAM of the same area, with one port and no periphery.

        The energy of a bit follows from this size because wires are as long as the area's side.
        """
        return float((self.cells + self.periphery) / (8192 * SRAM_BIT))


def index_buffer(hardware: LutArray) -> BufferArea:
    """Area of the index buffer."""
    buffer = hardware.memory.index_buffer
    return _buffer(buffer, 8 * _exact(buffer.bytes_per_cycle))


def activation_buffer(hardware: LutArray, activation_bits: int) -> BufferArea:
    """Area of the activation buffer; by default a word has the inputs of all PEs' dot units."""
    buffer = hardware.memory.activation_buffer
    rate = buffer.bytes_per_cycle
    if rate == "windows":
        word = Fraction(8 * ceil(hardware.array.pes * DOT_WIDTH * activation_bits / 8))
    else:
        word = 8 * _exact(rate)
    return _buffer(buffer, word)


@lru_cache(maxsize=256)
def _buffer(buffer: IndexBuffer | ActivationBuffer, word: Fraction) -> BufferArea:
    """Area of a buffer; every bank has the ports, each one word wide."""
    banks = buffer.banks or 1
    return BufferArea(
        cells=_exact(buffer.kib) * 8192 * sram_bit(buffer.ports),
        periphery=word * (banks * buffer.ports * SRAM_PORT_BIT + (banks - 1) * MUX),
    )


def dma(hardware: LutArray) -> Fraction:
    """Gate equivalents of the DMA channels: storage for a burst, registers for a cycle's bits."""
    burst = 8 * hardware.memory.dram.burst_bytes
    moved = 8 * hardware.dma_channel.bytes_per_cycle
    return DMA_CHANNELS * (burst * STORAGE_BIT + moved * FLIP_FLOP)


def _exact(value: float) -> Fraction:
    return Fraction(value).limit_denominator(1 << 20)
