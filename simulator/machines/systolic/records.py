"""A layer from the view of its units: the mapper fixes these facts before it writes a program.

Equal records produce the same commands. `layer.py` makes the records from the plan of a layer.
"""

from msgspec import Struct

from simulator.machines.systolic.schema import Dataflow
from simulator.program import Runs


class Tile(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Elements of an operand that a fold, or a piece of it, uses."""

    load_bytes: int
    """Bytes that DRAM transfers for the tile, in whole bursts; 0: the scratchpad has them."""
    opens: bool
    """True if the load of the tile takes a buffer of the scratchpad."""
    closes: bool
    """True if the use of the tile is the last use of the data in the buffer."""
    first: bool
    """True for the layer's first tile."""


class Sums(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Partial sums or outputs of a piece."""

    space_taken: int
    """Bytes of the output scratchpad that the sums take."""
    returning_bytes: int
    """Bytes of partial sums that come back from DRAM, in whole bursts."""
    return_space: int
    """Bytes of the output scratchpad that the returning sums take."""
    leaving_bytes: tuple[int, ...]
    """Bytes of every copy that leaves for DRAM, in whole bursts; (0,): all copies stay on chip; ():
    no results leave the array."""
    partial: bool
    """True if partial sums leave, and come back for the strip's next fold."""
    space_freed: int
    """Bytes of the output scratchpad that become free after the sums have left."""
    last: bool
    """True for the layer's last sums."""
    vector_cycles: int
    """Cycles of the vector unit for outputs; 0: they leave without it."""
    shortcut_bytes: tuple[int, ...]
    """Bytes that each of its additions reads from DRAM, in whole bursts."""
    first_read: bool
    """True if these are the layer's first reads from DRAM: its inputs are on chip."""


class Piece(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Steps of a fold whose operands arrive together."""

    cycles: int
    inputs: Tile | None
    """The inputs; None: they stay in the PEs."""
    weights: Tile | None
    """The weights; None: they stay in the PEs."""
    sums: Sums
    first: bool
    """True for the first piece of its fold."""
    last: bool


class Fold(Struct, frozen=True, kw_only=True, cache_hash=True):
    """One tile of stationary values, with all operands that move past it."""

    stationary: Tile | None
    """The operand that stays in the PEs; None: the sums stay."""
    pes: int
    """PEs that work."""
    pieces: Runs[Piece]
    piece_count: int


class Layer(Struct, frozen=True, kw_only=True, cache_hash=True):
    """One layer on one array."""

    dataflow: Dataflow
    ideal_memory: bool
    keeps_maps: bool
    """True if maps may stay on chip; the array then waits for the end of the previous layer."""
    reads: bool
    """True if it reads inputs or shortcut values from DRAM."""
    groups: Runs[Runs[Runs[Fold]]]
    """Folds of every strip of every convolution group."""
    load_cycles: int
    """Cycles in which a stationary operand enters the PEs."""
    drain_cycles: int
    """Cycles after the last step of a fold in which no other fold begins."""
