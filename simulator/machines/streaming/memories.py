"""The memories of a stage, and their cells; docs/streaming-costs.md."""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from simulator.machines.cells import MUX, SRAM_BIT, SRAM_PORT_BIT, STORAGE_BIT, sram_bit
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.widths import accumulated_bits, levels_bits, sum_bits
from simulator.workload import Layer

SMALLEST_MACRO = 64
"""ASSUMED: words of the smallest SRAM macro; one with fewer words is as large."""
MEMORIES = (
    "line_buffer", "input_buffer", "weight_memory", "index_memory", "subset", "lut", "sum_memory",
    "threshold_memory", "pool_buffer", "pixel_buffer", "fifo", "deep_fifo",
)  # fmt: skip
"""All names of memories."""


class Memory(NamedTuple):
    """Equal banks that a unit reads and writes together."""

    name: str
    words: int
    """Words of a bank."""
    bits: int
    """Bits of a word."""
    banks: int = 1
    ports: int = 2
    """Ports of a bank as SRAM: 1 if it is only read while the pipeline runs, otherwise 2."""
    reads: int = 1
    """Words that are read from a bank at once."""
    writes: int = 1
    """Words that are written to a bank at once. Several reads or writes need flip-flops."""

    @property
    def total_bits(self) -> int:
        """Bits of all banks."""
        return self.banks * self.words * self.bits

    @property
    def is_sram(self) -> bool:
        """True if SRAM is smaller than flip-flops."""
        return self.cells > 0

    @property
    def cells(self) -> Fraction:
        """Gate equivalents of its SRAM cells; 0 in flip-flops."""
        return _gates(self)[0]

    @property
    def logic(self) -> Fraction:
        """Gate equivalents of the ports of its SRAM, or of its flip-flops and multiplexers."""
        return _gates(self)[1]

    @property
    def bank_kib(self) -> float:
        """The size of a bank that decides the energy of a bit.

        An SRAM counts as one of the same area with one port and no periphery.
        """
        if not self.is_sram:
            return self.words * self.bits / 8192
        return float((self.cells + self.logic) / self.banks / (8192 * SRAM_BIT))


@lru_cache(maxsize=4096)
def _gates(memory: Memory) -> tuple[Fraction, Fraction]:
    """Gate equivalents of SRAM cells, and of all else."""
    width = memory.banks * memory.bits
    multiplexers = memory.reads * (memory.words - 1) * width
    registers = memory.total_bits * STORAGE_BIT + multiplexers * MUX
    cells = max(memory.words, SMALLEST_MACRO) * width * sram_bit(memory.ports)
    ports = memory.ports * width * SRAM_PORT_BIT
    if memory.reads == memory.writes == 1 and cells + ports < registers:
        return cells, ports
    return Fraction(0), registers


def memory_of(fifo: Fifo) -> Memory:
    """Return the memory of a FIFO."""
    return fifo_memory(fifo.depth, fifo.bits)


def fifo_memory(depth: int, bits: int) -> Memory:
    """Return the memory of a FIFO; those of SRAM have a name of their own."""
    memory = Memory("fifo", depth, bits)
    return memory._replace(name="deep_fifo") if memory.is_sram else memory


def memories_of(plan: Plan, *, streamed: bool) -> Iterator[Memory]:
    """Yield the memories of a stage's own units, without its FIFOs.

    Args:
        plan: the stage.
        streamed: True if weights come from DRAM.

    """
    yield from _line_buffers(plan)
    layer = plan.layer
    if not isinstance(layer, Layer):
        yield from _of_vector_unit(plan)
    elif plan.shape.shared:
        yield from _of_shared_kernels(plan, layer)
    else:
        yield Memory("input_buffer", plan.synapse_folds, plan.fold.simd * plan.shape.in_bits)
        if not streamed:
            words = layer.groups * plan.synapse_folds * plan.neuron_folds
            bits = plan.fold.simd * plan.shape.weight_bits
            yield Memory("weight_memory", words, bits, banks=plan.fold.pe, ports=1)
    if plan.shape.thresholds:
        words = plan.shape.target.channels // plan.fold.pe
        bits = levels_bits(plan.shape.target.bits, sum_bits(plan))
        yield Memory("threshold_memory", words, bits, banks=plan.fold.pe, ports=1)


def _line_buffers(plan: Plan) -> Iterator[Memory]:
    if any(one.buffer_bits for one in plan.operators):
        rows = plan.shape.extent.height + plan.layer.strides.height
        words = plan.shape.padded.width * plan.pixel_words
        yield Memory("line_buffer", words, plan.in_bits, banks=rows)


def _of_shared_kernels(plan: Plan, layer: Layer) -> Iterator[Memory]:
    pe, simd, dots = plan.fold
    words = layer.groups * plan.tables * plan.neuron_folds
    yield Memory("index_memory", words, simd * layer.unit_bits, banks=pe, ports=1)
    yield Memory("subset", plan.fill_cycles, dots * layer.unit_weights, ports=1)
    yield Memory("lut", 2 * layer.subset_size, plan.entry_bits, banks=simd, reads=pe, writes=dots)
    yield Memory("sum_memory", plan.neuron_folds, pe * sum_bits(plan))


def _of_vector_unit(plan: Plan) -> Iterator[Memory]:
    kind, bits = plan.main_kind, plan.fold.pe * accumulated_bits(plan)
    if plan.pools_blocks:
        yield Memory("pool_buffer", plan.shape.out.width * plan.pixel_words, bits)
    elif plan.pools_map:
        yield Memory("pool_buffer", plan.pixel_words, bits)
    elif kind == "shuffle":
        yield Memory("pixel_buffer", plan.pixel_words, plan.in_bits)
    elif kind == "norm":
        each = levels_bits(plan.shape.target.bits, plan.shape.in_bits)
        yield Memory("threshold_memory", plan.pixel_words, each, banks=plan.fold.pe, ports=1)
