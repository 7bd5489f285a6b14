"""The records of a layer for its units: plain values that exist before any program.

Equal records yield the same commands. `layer.py` makes them from a layer's plan. They cache their
hash because every unit looks up the commands that it has written for an equal record.
"""

from fractions import Fraction

from msgspec import Struct

from simulator.machines.lut_array.plan import InputReuse, Mode
from simulator.program import Channel, Runs


class LutPass(Struct, frozen=True, kw_only=True, cache_hash=True):
    """A LUT pass: one fill of a LUT bank, and the lookups in it."""

    fill_cycles: int
    accumulate_cycles: int
    conflict_cycles: int
    """Cycles of the accumulate that are due to read ports and sub-banks of the LUT."""
    first: bool
    last: bool


class InputBlock(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Input units that a step sums over, with their weight tile for an output block."""

    units: int
    """Input channels or vectors; a LUT or direct step has a PE for each, per output pixel."""
    fetch_bytes: int
    """Bytes of the weight tile that an index fetch moves, decoded."""
    stored_bytes: int
    """Bytes of the weight tile in DRAM and in the index buffer."""
    passes: Runs[LutPass]
    """LUT passes of a step; none without a LUT."""
    unit_macs: int
    """Full precision: MACs per output pixel, output and input channel."""
    first: bool
    last: bool


class OutputBlock(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Output channels whose sums are in the partial-sum buffer together."""

    outputs: int
    direct_cycles: int
    """Cycles of the dot products of a direct step."""
    drain_cycles: int
    input_blocks: Runs[InputBlock]
    steps: int
    """Steps of an output tile: one for every input block."""


class TileWeights(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The effects of an output tile's steps on weight tiles; see `weights.py`."""

    loads: bool
    """True if the tiles come from DRAM."""
    fetches: bool
    """True if their indices go into the registers."""
    releases: bool
    """True if these steps are the last that use the indices in the registers."""
    frees: bool
    """True if these steps are the last that read the tiles in the index buffer."""
    with_subset: bool
    """True if the subset came with the first of the tiles."""


class TileInputs(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The values that decide the waits of an output tile's steps until their window reads."""

    first: bool
    """True if the tile is the layer's first."""
    transfer_reads: bool
    """True if the tile's transfer begins with it and reads inputs."""
    steps_read: bool
    """Scheme `step`: true if each of the tile's steps reads its own inputs."""


class TileDone(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The values that decide the tokens that an output tile's steps give when they are done."""

    steps_read: bool
    """See `TileInputs.steps_read`."""
    next_reads: bool
    """Scheme `step`: true if the steps of the next output tile read inputs."""
    space_freed: int
    """Bytes of the activation buffer that the tile's last step frees."""


class OutputTile(Struct, frozen=True, kw_only=True, cache_hash=True):
    """An output block at one pixel step: a step for every input block."""

    pixels: int
    """Output pixels of its pixel step."""
    first_of_transfer: bool
    last_of_transfer: bool
    weights: TileWeights
    inputs: TileInputs
    done: TileDone
    input_pixels: int
    """Scheme `step`: input pixels under it, which each of its steps reads; 0: only padding."""
    awaited: int
    """Scheme `step`: tokens of earlier writes that its first read of inputs takes."""


class Shortcuts(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The reads of the values that the vector unit adds to the outputs of a transfer."""

    read_bytes: tuple[int, ...]
    """Bytes of each read, in whole bursts."""
    awaited: int
    """Tokens of earlier writes that the first of the reads takes."""


class Transfer(Struct, frozen=True, kw_only=True, cache_hash=True):
    """A run of output tiles of one row; their outputs leave together."""

    tiles: Runs[OutputTile]
    """Output tiles in the order of time."""
    tile_count: int
    read_bytes: int
    """Bytes of its inputs, in whole bursts; 0 if they are on chip or its steps read them."""
    shortcuts: Shortcuts
    vector_cycles: int
    """Cycles of the vector unit for its outputs; 0 without an epilogue."""
    written_bytes: tuple[int, ...]
    """Bytes of every copy that leave after it, in whole bursts."""
    space_taken: int
    """Bytes of the activation buffer that its read takes."""
    awaited: int
    """Tokens of earlier writes that its read of inputs takes."""
    handed: int
    """Tokens for later layers that its last write gives."""
    ends: bool
    """True if its last write gives the end of the layer."""


class BlockRow(Struct, frozen=True, kw_only=True, cache_hash=True):
    """An output block along a row of pixel steps."""

    block: OutputBlock
    images: Runs[Runs[Transfer]]
    """Transfers of each image, or of all images if transfers span several; in the order of time."""


Row = Runs[BlockRow]
"""A row of pixel steps, in the order of time."""


class Layer(Struct, frozen=True, kw_only=True, cache_hash=True):
    """One layer on one accelerator."""

    mode: Mode
    buffering: InputReuse
    """Buffering scheme of the inputs."""
    first_step: tuple[Channel, ...]
    """Channels of earlier layers of which the first step takes a token."""
    has_epilogue: bool
    """True if its outputs pass through the vector unit."""
    subset_bytes: int
    """Bytes of the subset and of code lengths, which come with the layer's first weight tile."""
    maps: Runs[Runs[Row]]
    """Rows of each wide map, or of all maps of an image block if rows span several."""
    lut_passes: int
    """LUT passes of a step; 0 without a LUT."""
    burst_bytes: int
    activation_bits: int
    unit_channels: int
    """Input channels of an input unit."""
    window_bits: int
    """Bits of the window of a PE."""
    word_bytes: Fraction
    """Bytes that one access of the activation buffer reads."""
    all_pes: int
    cut_space: int
    """Bytes of the index buffer that a weight tile of a cut layer occupies; 0: the tile's own."""
    macs_per_cycle: int

    def tile_bytes(self, weights: TileWeights, input_block: InputBlock) -> int:
        """Stored bytes of a weight tile, with the subset if it came with the tile."""
        with_subset = weights.with_subset and input_block.first
        return input_block.stored_bytes + (self.subset_bytes if with_subset else 0)

    def tile_space(self, weights: TileWeights, input_block: InputBlock) -> int:
        """Bytes of the index buffer that a weight tile occupies."""
        return self.cut_space or self.tile_bytes(weights, input_block)

    def in_bursts(self, size: int) -> int:
        """Bytes, rounded up to whole DRAM bursts."""
        return -(-size // self.burst_bytes) * self.burst_bytes

    def activation_bytes(self, values: int) -> int:
        """Bytes of inputs, packed without gaps."""
        return -(-values * self.activation_bits // 8)

    def window_words(self, pes: int) -> int:
        """Words of the activation buffer with the windows of `pes` PEs: the cycles to read them."""
        word_bits = 8 * self.word_bytes.numerator
        return -(-pes * self.window_bits * self.word_bytes.denominator // word_bits)
