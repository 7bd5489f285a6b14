"""The plan of a layer: the sizes that fit the array and its buffers, as numbers without commands.

docs/machine.md explains every rule and uses the same names.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import Literal, TypeVar

import numpy as np

from simulator.base.columns import Ints
from simulator.base.quantities import rate_of
from simulator.machines.lut_array.banks import Bank, bank_of
from simulator.machines.lut_array.expected import expected_accumulates
from simulator.machines.lut_array.huffman import LENGTH_BITS, stream_bits
from simulator.machines.lut_array.indices import accumulates_of
from simulator.machines.lut_array.input_parts import InputPart, Weights, cut, in_units, is_cut
from simulator.machines.lut_array.parts import parts
from simulator.machines.lut_array.schema import DOT_WIDTH, LutArray
from simulator.machines.overlap import Waits
from simulator.machines.vector.fusion import Epilogue
from simulator.machines.vector.on_chip import IN_DRAM, OnChip
from simulator.workload import Layer
from simulator.workload.kernels import LISTED_WEIGHTS

Mode = Literal["lut", "direct", "mac"]
WeightReuse = Literal["layer", "row", "step"]
InputReuse = Literal["on_chip", "rows", "patches", "step"]
Writes = Literal["shared", "separate"]
_Number = TypeVar("_Number", int, Ints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Output channels whose sums are in the partial-sum buffer together."""

    outputs: int


@dataclass(frozen=True, kw_only=True)
class LayerPlan:
    """One layer on one accelerator."""

    layer: Layer
    hardware: LutArray
    batch: int
    image_blocks: tuple[int, ...]
    """Images of each image block; see `image_blocks.py`."""
    activation_bits: int
    """Bits per activation of this layer's inputs."""
    copies: tuple[int, ...]
    """Bits of an output in every copy that this layer writes."""
    epilogue: Epilogue | None = None
    """The vector unit's work on the outputs, with shortcuts from DRAM; None: they leave at once."""
    wide_bits: int | None = None
    """Bits of a copy that holds sums, which pass no threshold; None: all copies pass thresholds."""
    on_chip: OnChip = IN_DRAM
    """The maps in the activation buffer while the layer runs."""
    waits: Waits | None = None
    """Its waits for single writes if layers overlap; None: it waits for the previous layer."""

    @cached_property
    def mode(self) -> Mode:
        """`mac`: full precision. `lut`: fill, fetch and add. `direct`: add every dot product.

        A sub-bit layer uses the LUT only if that saves cycles in the steady state, over all output
        and input blocks: sum of max(fill, accumulate) < sum of the direct step.
        """
        if self.layer.full_precision:
            return "mac"
        if self.layer.tau is None or not self.hardware.array.pe.lut_size:
            return "direct"
        lut = np.maximum(self._fill_cycles, self._accumulate_cycles).sum()
        return "lut" if lut < self._direct_cycles.sum() else "direct"

    # --- space: the contents of a step ---------------------------------------------------------

    @cached_property
    def units_in(self) -> int:
        """Input channels (kernels, full precision) or vectors (1x1) that an output sums over."""
        if self.layer.full_precision:
            return self.layer.in_channels // self.layer.groups
        return self.layer.units_in

    @cached_property
    def pixels_per_step(self) -> int:
        """Output pixels that the array works on at once."""
        if self.layer.full_precision:
            return self.hardware.memory.activation_buffer.transfer_pixels
        if self.hardware.array.spatial == "output_pixels":
            return self.hardware.array.pes
        return max(1, self.hardware.array.pes // self.layer.units_in)

    @cached_property
    def input_parts(self) -> tuple[InputPart, ...]:
        """The input units of each input block; see `input_parts.py`."""
        if self.is_cut:
            return cut(self.units_in, self._weights)
        return in_units(self.units_in, self._most_units, self.layer.taps)

    @cached_property
    def is_cut(self) -> bool:
        """True if a full-precision weight tile of up to `pes` channels exceeds the index buffer."""
        return self.layer.full_precision and is_cut(self.units_in, self._most_units, self._weights)

    @property
    def _most_units(self) -> int:
        return 1 if self.pixels_are_spatial else self.hardware.array.pes

    @property
    def _weights(self) -> Weights:
        return Weights(
            outputs=max(self._block_outputs),
            rows=self.layer.kernel_sides.height,
            columns=self.layer.kernel_sides.width,
            bits=self.activation_bits,
            space=self.index_buffer_bytes,
        )

    @property
    def index_buffer_bytes(self) -> int:
        """Bytes of the index buffer."""
        return int(self.hardware.memory.index_buffer.kib * 1024)

    @cached_property
    def group_units(self) -> tuple[int, ...]:
        """[input blocks] input channels or vectors of each input block."""
        return tuple(part.units for part in self.input_parts)

    @property
    def pixels_are_spatial(self) -> bool:
        """True if every PE has an output pixel of its own."""
        return self.hardware.array.spatial == "output_pixels" and not self.layer.full_precision

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Output blocks, convolution group by convolution group, as even as lanes allow."""
        pe = self.hardware.array.pe
        outputs = self.layer.out_channels // self.layer.groups
        sizes = parts(outputs, pe.partial_sums, pe.accumulators)
        return tuple(Block(outputs=size) for size in sizes) * self.layer.groups

    # --- cycles of one step --------------------------------------------------------------------

    @cached_property
    def pass_entries(self) -> tuple[int, ...]:
        """LUT entries that each LUT pass over the subset fills; () without a LUT or a subset."""
        entries = self.hardware.array.pe.lut_size
        has_subset = not self.layer.full_precision and self.layer.tau is not None
        return parts(self.layer.subset_size, entries) if entries and has_subset else ()

    @cached_property
    def dot_parts(self) -> int:
        """Cycles of one dot product in a dot unit, which takes 9 weights in a cycle."""
        return ceil(self.layer.unit_weights / DOT_WIDTH)

    def pass_fill_cycles(self) -> tuple[int, ...]:
        """Cycles of each pass's fill: activations go bit-serially through the dot unit."""
        rate, bits = self.hardware.array.pe.dots_per_cycle, self.activation_bits
        return tuple(ceil(n * bits / rate) * self.dot_parts for n in self.pass_entries)

    @cached_property
    def _fill_cycles(self) -> Ints:
        """[input blocks] cycles of the fills of the largest step; the first reads the windows."""
        first, *others = self.pass_fill_cycles()
        fills: Ints = np.maximum(first, self.step_words) + sum(others)
        return fills

    @property
    def step_table(self) -> Ints:
        """[output blocks, input blocks] cycles from a step to the next in the steady state.

        The table is that of the largest steps of a layer in LUT or direct mode.
        """
        if self.mode == "direct":
            return self._direct_cycles
        if self.hardware.array.pe.lut_banks == 1:  # a fill cannot run while its bank is read
            return self._fill_cycles + self._accumulate_cycles
        return np.maximum(self._fill_cycles, self._accumulate_cycles)

    @property
    def _accumulate_cycles(self) -> Ints:
        """[output blocks, input blocks] cycles of all accumulates of a step."""
        cycles: Ints = self.accumulate_table.sum(axis=2)
        return cycles

    @property
    def _direct_cycles(self) -> Ints:
        """[output blocks, input blocks] cycles of the largest direct step."""
        dots = [self.direct_cycles(block) for block in self.blocks]
        steps: Ints = np.maximum.outer(dots, self.step_words)
        return steps

    @cached_property
    def accumulate_table(self) -> Ints:
        """[output blocks, input blocks, passes] cycles of each accumulate.

        The cycles follow from the layer's indices. Without indices, a pass has outputs in
        proportion to its part of the subset, with random reads.
        """
        return self._accumulates(bank_of(self.hardware))

    @property
    def unhindered_table(self) -> Ints:
        """`accumulate_table` with a bank that serves any bundle in a cycle."""
        return self._accumulates(bank_of(self.hardware).unhindered)

    def _accumulates(self, bank: Bank) -> Ints:
        kernels, size = self.layer.kernels, self.layer.subset_size
        if kernels is None:
            return expected_accumulates(self._block_outputs, self.group_units, size, bank)
        return accumulates_of(kernels, self._block_outputs, self.group_units, bank)

    def direct_cycles(self, block: Block) -> int:
        """Cycles of the dot products of a step in direct mode: one dot product per output."""
        pe, dots = self.hardware.array.pe, block.outputs * self.activation_bits
        return max(ceil(dots / pe.dots_per_cycle) * self.dot_parts, ceil(dots / pe.accumulators))

    @cached_property
    def activation_word(self) -> Fraction:
        """Bytes of a word of the activation buffer, which its port reads or writes in a cycle."""
        rate = self.hardware.memory.activation_buffer.bytes_per_cycle
        if rate == "windows":  # the bits that the dot units of all PEs take in a cycle
            bits = min(self.layer.unit_weights, DOT_WIDTH) * self.activation_bits
            return Fraction(ceil(self.hardware.array.pes * bits / 8))
        return rate_of(rate)

    def window_words(self, pes: _Number) -> _Number:
        """Words with the windows of `pes` PEs: the cycles in which a step reads them."""
        word = self.activation_word
        return -(-pes * self.window_bits * word.denominator // (8 * word.numerator))

    @cached_property
    def window_bits(self) -> int:
        """Bits of the window of a PE."""
        return self.layer.unit_weights * self.activation_bits

    @cached_property
    def step_words(self) -> Ints:
        """[input blocks] words of windows that the largest step reads."""
        pixels = min(self.pixels_per_step, self.pixels)
        return self.window_words(pixels * np.array(self.group_units))

    @cached_property
    def step_dots(self) -> Ints:
        """[output blocks] cycles of the dot products for which a step reads its windows."""
        if self.mode == "lut":
            return np.full(len(self.blocks), self.pass_fill_cycles()[0])
        return np.array([self.direct_cycles(block) for block in self.blocks])

    def drain_cycles(self, block: Block) -> int:
        """Cycles in which a block's sums leave the partial-sum buffer."""
        return ceil(block.outputs / self.hardware.array.pe.accumulators)

    # --- bits, and the contents of the buffers -------------------------------------------------

    @cached_property
    def decoded_table(self) -> Ints:
        """[output blocks, input blocks] decoded bytes of each weight tile.

        An index fetch moves these bytes to the PEs.
        """
        if self.layer.full_precision:
            bits = [part.units * part.taps * self.activation_bits for part in self.input_parts]
        else:
            bits = [units * self.layer.unit_bits for units in self.group_units]
        return -(-np.multiply.outer(self._block_outputs, bits) // 8)

    @cached_property
    def stored_table(self) -> Ints:
        """[output blocks, input blocks] bytes of each weight tile in DRAM and the index buffer."""
        if self.layer.kernels is None or not self.huffman:
            return self.decoded_table
        ids = self.layer.tau is None
        bits = stream_bits(self.layer.kernels, self._block_outputs, self.group_units, ids)
        return -(-bits // 8)

    @property
    def huffman(self) -> bool:
        """True if the layer's indices have a Huffman code of their own, not a fixed length.

        A shape-only layer has no histogram for a code. A 1-bit layer whose kernels have more than 9
        weights has too many symbols for a code.
        """
        encoding = self.hardware.memory.index_buffer.encoding
        listed = self.layer.tau is not None or self.layer.unit_weights <= LISTED_WEIGHTS
        return encoding == "huffman" and self.layer.kernels is not None and listed

    @cached_property
    def _block_outputs(self) -> tuple[int, ...]:
        return tuple(block.outputs for block in self.blocks)

    @cached_property
    def subset_bytes(self) -> int:
        """Bytes of the layer's subset and code lengths, loaded once with its first indices."""
        if self.layer.full_precision:
            return 0
        subset = self.layer.subset_size * self.layer.unit_weights if self.expands else 0
        return ceil(subset / 8) + self.code_bytes

    @property
    def expands(self) -> bool:
        """True if indices name kernels of a subset that the PEs store.

        If tau is the number of weights, every kernel may occur, and an index is the kernel itself.
        """
        return self.layer.tau is not None and self.layer.tau < self.layer.unit_weights

    @property
    def code_bytes(self) -> int:
        """Bytes of the layer's Huffman code: a length for every kernel of the subset."""
        return ceil(self.layer.subset_size * LENGTH_BITS / 8) if self.huffman else 0

    @cached_property
    def weight_bytes(self) -> int:
        """Stored bytes of all weights of the layer, without the subset."""
        return int(self.stored_table.sum())

    @cached_property
    def largest_tile_bytes(self) -> int:
        """Stored bytes of the largest weight tile, with the subset that may come with it."""
        return self.subset_bytes + int(self.stored_table.max())

    @cached_property
    def largest_block_bytes(self) -> int:
        """Stored bytes of all weight tiles of the largest output block, with the subset."""
        return self.subset_bytes + int(self.stored_table.sum(axis=1).max())

    def in_bursts(self, size: _Number) -> _Number:
        """Bytes, rounded up to whole DRAM bursts."""
        burst = self.hardware.memory.dram.burst_bytes
        return -(-size // burst) * burst

    # --- time: rows of output, cut into transfers ----------------------------------------------

    @cached_property
    def pixels(self) -> int:
        """Output pixels of the whole batch."""
        return self.batch * self.layer.out_pixels

    @cached_property
    def pixel_steps(self) -> int:
        """Steps per output block and input block."""
        return ceil(self.pixels / self.pixels_per_step)

    @property
    def steps_per_row(self) -> int:
        """Pixel steps of the longest row."""
        return self._row_steps(max(self.image_blocks))

    @cached_property
    def row_starts(self) -> Ints:
        """[rows + 1] pixel steps before each row, and after the last.

        A row has as many pixel steps as cover a row of output of every image of its block. The last
        row of an image block may be shorter. A step that spans two image blocks is in the first.
        """
        images = np.cumsum([0, *self.image_blocks])
        firsts = (-(-images * self.layer.out_pixels // self.pixels_per_step)).tolist()
        rows = [
            np.arange(first, end, self._row_steps(size))
            for size, (first, end) in zip(self.image_blocks, pairwise(firsts), strict=True)
        ]
        return np.concatenate([*rows, firsts[-1:]])

    def _row_steps(self, images: int) -> int:
        """Pixel steps of a row of output of some images; one step may span several rows."""
        return ceil(images * self.layer.out_width / self.pixels_per_step)

    @cached_property
    def steps_per_transfer(self) -> int:
        """Pixel steps whose inputs arrive, and whose outputs leave, in one transfer."""
        width = self.hardware.memory.activation_buffer.transfer_pixels
        return min(self._steps_together, max(1, ceil(width / self.pixels_per_step)))

    @cached_property
    def transfer_cuts(self) -> Ints:
        """[transfers + 1] pixel steps before each transfer of the longest row, and in all."""
        images = np.arange(0, self.steps_per_row, self._steps_together)[:, np.newaxis]
        firsts = images + np.arange(0, self._steps_together, self.steps_per_transfer)
        return np.append(firsts, self.steps_per_row)

    @property
    def transfers_together(self) -> int:
        """Transfers of an image in a row, or of the longest row if transfers span images."""
        return ceil(self._steps_together / self.steps_per_transfer)

    @property
    def _steps_together(self) -> int:
        """Pixel steps of an image in a row, or of the longest row if transfers span images.

        Images of one pixel are adjacent in DRAM. In other images, a transfer belongs to one image,
        unless steps span two images.
        """
        steps, rest = divmod(self.layer.out_width, self.pixels_per_step)
        return self.steps_per_row if rest or self.layer.out_pixels == 1 else steps
