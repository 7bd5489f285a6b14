"""Hardware files of the array: one structure per component, every number with its unit."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.quantities import Count, Rate
from simulator.dram.section import Dram, refuse_idle
from simulator.machines.hardware import Hardware
from simulator.machines.overlap import Overlap
from simulator.machines.vector.schema import MapsIn

DOT_WIDTH = 9
"""ASSUMED: weights that a dot unit takes in a cycle, those of the paper's 3x3 kernel; the paper has
no larger kernel."""


class Pe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One processing element: dot units, LUT, accumulators, partial-sum buffer."""

    lut_entries: Count | Literal["none"]
    """Dot products in one bank of the LUT; `none`: no LUT, binary layers run in direct mode."""
    lut_banks: Count = 2
    """Banks of the LUT; 2 is a double buffer. This key and the LUT's ports and sub-banks have an
    effect only with a LUT."""
    subset_entries: Count | Literal["none"] = 256
    """Kernels of a layer's subset that a PE stores; `none`: it cannot run sub-bit layers."""
    accumulators: Count
    """LUT entries that a PE fetches and adds per cycle."""
    partial_sums: Count
    """Sums in the partial-sum buffer (the paper's line buffer): most outputs of an output block."""
    dots_per_cycle: Count
    """Dot products per cycle at 1-bit activations."""
    index_register_sets: Annotated[int, Meta(ge=1, le=64)] = 2
    """Sets of index registers: one set fills while the PE reads the others."""
    lut_read_ports: Count | Literal["accumulators"] = "accumulators"
    """Different entries that a bank delivers per cycle; `accumulators`: one for each of them."""
    lut_subbanks: Count | Literal["none"] = "none"
    """Single-ported parts of a bank, with entry e in part e % lut_subbanks; `none`: any entries at
    once."""
    partial_sum_bits: Annotated[int, Meta(ge=1, le=64)] = 16
    """Width of a sum in bits at 1-bit activations; affects energy and area, not time."""

    @property
    def lut_size(self) -> int:
        """Entries of a bank of the LUT; 0 without a LUT."""
        return 0 if self.lut_entries == "none" else self.lut_entries

    @property
    def subset_size(self) -> int:
        """Kernels in the store of the subset; 0 without a store."""
        return 0 if self.subset_entries == "none" else self.subset_entries


LUT_KEYS = frozenset({"lut_banks", "lut_read_ports", "lut_subbanks"})
"""Keys of `array.pe` that have an effect only with a LUT."""


class Array(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The PEs and the distribution of work over them."""

    pes: Count
    spatial: Literal["input_channels", "output_pixels"]
    """The dimension that differs from PE to PE within a step."""
    pe: Pe


class IndexBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of indices (sub-bit) or kernels (1-bit)."""

    kib: Rate
    bytes_per_cycle: Rate
    """Decoded bytes per cycle into the PEs' index registers: one word."""
    encoding: Literal["fixed", "huffman"] = "fixed"
    """Format of indices in DRAM and the buffer: fixed length, or a Huffman code per layer."""
    ports: Literal[1, 2] = 2
    """2: reads and writes do not conflict. 1: a bank reads or writes in a cycle, not both."""
    banks: Count | None = None
    """Banks between which words alternate, 1 by default; has an effect only with one port."""


class ActivationBuffer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On-chip buffer of input rows and outgoing outputs."""

    kib: Rate
    transfer_pixels: Count
    """Output pixels whose inputs, or outputs, one DMA transfer carries."""
    bytes_per_cycle: Rate | Literal["windows"] = "windows"
    """Bytes per cycle into the PEs' windows: one word. `windows`: a word holds those of all PEs."""
    ports: Literal[1, 2] = 2
    """Ports, as in the index buffer."""
    banks: Count | None = None
    """Banks, as in the index buffer."""


class Memory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """DRAM and the two on-chip buffers."""

    dram: Dram
    index_buffer: IndexBuffer
    activation_buffer: ActivationBuffer
    activations: MapsIn = "dram"
    """`on_chip`: maps stay in the activation buffer where they fit; has an effect only in scope
    `network`."""

    @property
    def buffers(self) -> dict[str, IndexBuffer | ActivationBuffer]:
        """The two on-chip buffers by their dotted keys."""
        return {
            "memory.index_buffer": self.index_buffer,
            "memory.activation_buffer": self.activation_buffer,
        }


class FullPrecision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The MAC unit for first, last and downsample layers."""

    macs_per_cycle: Count
    bits: Annotated[int, Meta(ge=1, le=64)]
    """Bits of a full-precision weight and of an activation."""


class LutArray(Hardware, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An accelerator of this family."""

    array: Array
    memory: Memory
    full_precision: FullPrecision
    overlap: Overlap = "none"
    """`none`: a layer begins after the previous layer. `layers`: it begins as soon as it has its
    first inputs and their space."""

    @property
    def pes(self) -> int:
        """PEs of the array."""
        return self.array.pes

    @property
    def dram(self) -> Dram:
        """The DRAM and its DMA channels."""
        return self.memory.dram


def require_effects(data: dict[str, Any], hardware: LutArray, source: str) -> None:
    """Raise if a file sets a key that its other keys make ineffective.

    Args:
        data: plain data of the file.
        hardware: the checked file.
        source: the name of the file in the error.

    Raises:
        InputError: the file sets such a key.

    """
    refuse_idle(data["memory"]["dram"], hardware.memory.dram, source)
    without = sorted(LUT_KEYS & data["array"]["pe"].keys())
    if without and not hardware.array.pe.lut_size:
        raise InputError(
            f"{source}: array.pe.{without[0]} has an effect only with a LUT, but "
            "array.pe.lut_entries is none"
        )
    for key, buffer in hardware.memory.buffers.items():
        if "banks" in data["memory"][key.rpartition(".")[2]] and buffer.ports > 1:
            raise InputError(f"{source}: {key}.banks has an effect only with {key}.ports 1")
