"""The hardware file of a systolic array: one structure per hardware noun, numbers with units."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.quantities import Count, Rate
from simulator.dram.section import Dram, refuse_idle
from simulator.machines.hardware import Hardware
from simulator.machines.vector.schema import MapsIn

OperandBits = Literal[1, 2, 4, 8, 16, 32]
Dataflow = Literal["output_stationary", "weight_stationary", "input_stationary"]


class Pe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One processing element: a multiplier, an adder, and registers for its operands."""

    input_bits: OperandBits
    """Bits of an input that the PE multiplies in one cycle."""
    weight_bits: OperandBits
    """Bits of a weight that the PE multiplies in one cycle."""
    accumulator_bits: Literal[8, 16, 32, 64]
    """Bits of a partial sum, in the PE and in the output scratchpad."""
    dot_width: Count = 1
    """Binary inputs and weights that the PE multiplies (XNOR) and adds (popcount) in one cycle."""

    @property
    def binary(self) -> bool:
        """True if the multiplier is an XNOR."""
        return self.input_bits * self.weight_bits == 1


class Array(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PEs: inputs enter at the left edge, results leave at the bottom edge."""

    rows: Count
    columns: Count
    dataflow: Dataflow
    """The operand that stays in the PEs during a fold."""
    overlap_folds: bool
    """True: the operands of a fold enter while the results of the previous fold leave."""
    pe: Pe

    @property
    def register_sets(self) -> int:
        """Sets of registers for the stationary values of a PE; the second is for the next fold."""
        return 2 if self.overlap_folds else 1


class Scratchpad(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SRAM at an edge of the array."""

    kib: Rate
    buffers: Annotated[int, Meta(ge=1, le=64)] = 2
    """Equal parts; DMA fills one part while the array reads another. 1: single-buffered. Sums take
    space in bytes, at most one such part at once."""

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return int(self.kib * 1024)

    @property
    def buffer_bits(self) -> int:
        """Bits of one buffer."""
        return 8 * (self.bytes // self.buffers)


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """DRAM and the scratchpads."""

    dram: Dram
    ideal: bool = False
    """True: transfers take no time, and `burst_bytes` is the only DRAM key that has an effect."""
    input_scratchpad: Scratchpad
    weight_scratchpad: Scratchpad
    output_scratchpad: Scratchpad
    """The scratchpad of partial sums."""
    transfer_steps: Count
    """The most steps of a fold whose operands, or whose results, one DMA transfer carries."""
    activations: MapsIn = "dram"
    """`on_chip`: maps stay in the input scratchpad where they fit; has an effect only in scope
    `network`."""


class FullPrecision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layers whose weights are not binary."""

    bits: OperandBits
    """Bits of a weight and of an input of such a layer."""


class Systolic(Hardware, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole accelerator of this family."""

    array: Array
    memory: Memory
    full_precision: FullPrecision
    subbit_weights: Literal["decoded", "expanded"]
    """Form of sub-bit layers. `decoded`: indices come from DRAM, and a decoder at the edge of the
    array turns them into kernels. `expanded`: kernels come from DRAM."""
    decoder_entries: Count = 256
    """Kernels of a layer's subset that the decoder stores; has an effect only with `decoded`."""

    @property
    def pes(self) -> int:
        """PEs of the array."""
        return self.array.rows * self.array.columns

    @property
    def dram(self) -> Dram:
        """The DRAM and its DMA channels."""
        return self.memory.dram

    @property
    def dram_has_fixed_timing(self) -> bool:
        """True if rate and latency alone decide how long transfers take."""
        return self.dram.timing == "fixed" and not self.memory.ideal


def require_effects(data: dict[str, Any], hardware: Systolic, source: str) -> None:
    """Raise if a file sets a key that has no effect with its other keys.

    Args:
        data: plain data of the file.
        hardware: the checked file.
        source: the name of the file in the error.

    Raises:
        InputError: the file has such a key.

    """
    refuse_idle(data["memory"]["dram"], hardware.dram, source)
    if hardware.memory.ideal and hardware.dram.timing != "fixed":
        raise InputError(
            f"{source}: memory.dram.timing {hardware.dram.timing} has no effect with memory.ideal; "
            "use fixed"
        )
    if "decoder_entries" in data and hardware.subbit_weights == "expanded":
        raise InputError(
            f"{source}: decoder_entries has an effect only with subbit_weights: decoded"
        )
