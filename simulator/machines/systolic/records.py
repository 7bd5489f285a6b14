"""A layer as its units see it: plain facts, decided before any program is written.

Records that are equal write the same commands. `layer.py` makes them from a layer's plan.
"""

from msgspec import Struct

from simulator.machines.systolic.schema import Dataflow
from simulator.program import Runs


class Tile(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Elements of an operand that a fold, or a piece of it, uses."""

    load_bytes: int
    """Bytes that come from DRAM for it, in whole bursts; 0: they are in the scratchpad."""
    opens: bool
    """Its load takes a buffer of the scratchpad."""
    closes: bool
    """Its use is the last of what is in the buffer."""
    first: bool
    """The layer's first."""


class Sums(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Partial sums or outputs of a piece."""

    space_taken: int
    """Bytes of the output scratchpad that they take."""
    returning_bytes: int
    """Bytes of partial sums that come back from DRAM, in whole bursts."""
    return_space: int
    """Bytes of the output scratchpad that these take."""
    leaving_bytes: int
    """Bytes that leave for DRAM, in whole bursts; 0: none leave."""
    partial: bool
    """Partial sums leave, and come back for the strip's next fold."""
    space_freed: int
    """Bytes of the output scratchpad that are free when they have left."""
    last: bool
    """The layer's last."""


class Piece(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Steps of a fold whose operands arrive together."""

    cycles: int
    inputs: Tile | None
    """None: the inputs stay in the PEs."""
    weights: Tile | None
    """None: the weights stay in the PEs."""
    sums: Sums
    first: bool
    """Of its fold."""
    last: bool


class Fold(Struct, frozen=True, kw_only=True, cache_hash=True):
    """One tile of stationary values, with all that moves past it."""

    stationary: Tile | None
    """The operand that stays in the PEs; None: the sums do."""
    pes: int
    """PEs that work."""
    pieces: Runs[Piece]
    piece_count: int


class Layer(Struct, frozen=True, kw_only=True, cache_hash=True):
    """One layer on one machine."""

    dataflow: Dataflow
    ideal_memory: bool
    groups: Runs[Runs[Runs[Fold]]]
    """Folds of every strip of every convolution group."""
    load_cycles: int
    """Cycles in which an operand enters the PEs to stay there."""
    drain_cycles: int
    """Cycles after the last step of a fold in which no other fold begins."""
