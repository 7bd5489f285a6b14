"""A layer as its units see it: plain facts, decided before any program is written.

Records that are equal write the same commands. `layer.py` makes them from a layer's plan.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from simulator.machines.lut_array.plan import InputReuse, Mode, WeightReuse


class LutPass(NamedTuple):
    """One filling of a LUT bank, and the lookups in it."""

    fill_cycles: int
    accumulate_cycles: int
    conflict_cycles: int
    """Of the accumulate's cycles, those due to read ports and sub-banks of the LUT."""
    first: bool
    last: bool


class InputBlock(NamedTuple):
    """Input units that a step sums over, with their weight tile for an output block."""

    units: int
    """Input channels or vectors."""
    pes: int
    """PEs that work per output pixel."""
    fetch_bytes: int
    """Bytes of the weight tile that an index fetch moves, decoded."""
    stored_bytes: int
    """Bytes of the weight tile in DRAM and in the index buffer."""
    passes: tuple[LutPass, ...]
    """LUT passes of a step; () without a LUT."""
    first: bool
    last: bool


class OutputBlock(NamedTuple):
    """Output channels whose sums are in the partial-sum buffer together."""

    outputs: int
    direct_cycles: int
    """Cycles of the dot products of a direct step."""
    drain_cycles: int
    input_blocks: tuple[InputBlock, ...]
    first: bool


class OutputTile(NamedTuple):
    """An output block at one pixel step: a step for every input block."""

    pixels: int
    """Output pixels of its pixel step."""
    first: bool
    """The layer's first."""
    first_of_row: bool
    """Of its row and output block."""
    last_of_row: bool
    first_of_transfer: bool
    last_of_transfer: bool
    inputs_read: bool
    """Its transfer begins with it, and reads inputs."""
    input_pixels: int
    """Scheme `step`: input pixels under it, which each of its steps reads; 0: only padding."""
    first_read: bool
    """Scheme `step`: its first read is the layer's first."""
    next_reads: bool
    """Scheme `step`: the steps of the next output tile read inputs."""
    space_freed: int
    """Bytes of the activation buffer that are free after its last step."""

    @property
    def steps_read(self) -> bool:
        """Each of its steps reads its own inputs."""
        return self.input_pixels > 0


class Transfer(NamedTuple):
    """A run of output tiles of one row whose outputs go out together."""

    tiles: tuple[OutputTile, ...]
    """In the order of time."""
    read_bytes: int
    """Bytes of its inputs, in whole bursts; 0: they are in the buffer, or its steps read them."""
    space_taken: int
    """Bytes of the activation buffer that its read takes."""
    first_read: bool
    """The layer's first read of inputs."""
    last: bool
    """The layer's last."""

    @property
    def pixels(self) -> int:
        """Output pixels of all its tiles."""
        return sum(tile.pixels for tile in self.tiles)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A row of output pixels; rows that are alike are one record."""

    transfers: tuple[tuple[Transfer, ...], ...]
    """Of each output block, in the order of time."""
    first: bool
    """The layer's first."""
    last: bool
    """The layer's last."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One layer on one machine."""

    mode: Mode
    buffering: InputReuse
    """Buffering scheme of the inputs."""
    reads_inputs: bool
    """False if the layer sees only padding."""
    loaded_for: WeightReuse
    """How long a weight tile stays in the index buffer."""
    fetched_for: WeightReuse
    """How long indices stay in the registers."""
    subset_bytes: int
    """Bytes of the subset and of code lengths, which come with the layer's first weight tile."""
    output_blocks: tuple[OutputBlock, ...]
    images: tuple[tuple[Row, ...], ...]
    """Rows of each image; of all images together if rows span several."""
    lut_passes: int
    """LUT passes of a step; 0 without a LUT."""
    burst_bytes: int
    activation_bits: int
    unit_channels: int
    """Input channels of an input unit."""
    window_bits: int
    """Bits of the activations in front of a PE."""
    word_bytes: Fraction
    """Bytes that one access of the activation buffer reads."""
    all_pes: int
    unit_macs: int
    """Full precision: MACs per output and input unit."""
    macs_per_cycle: int

    def in_bursts(self, size: int) -> int:
        """Bytes in whole bursts of the DRAM."""
        return -(-size // self.burst_bytes) * self.burst_bytes

    def activation_bytes(self, values: int) -> int:
        """Bytes of activations, packed without gaps."""
        return -(-values * self.activation_bits // 8)

    def window_words(self, pes: int) -> int:
        """Words of the activation buffer with the windows of so many PEs: cycles to read them."""
        word_bits = 8 * self.word_bytes.numerator
        return -(-pes * self.window_bits * self.word_bytes.denominator // word_bits)
