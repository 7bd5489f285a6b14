"""Unit, channels, category and kind of command of the vector unit."""

from simulator.program import Category, Channel, CountsAs, Kind, Unit

VECTOR_UNIT = Unit("vector", "vector unit", letter="V")

VECTOR_SPACE = Channel("vector_space", "space for operands of the vector unit")
"""Tokens are bytes."""
OPERANDS = Channel("operands", "operands of the vector unit")
VECTOR_SLOT = Channel("vector_slot", "a free slot for results of the vector unit")
VECTOR_RESULTS = Channel("vector_results", "results of the vector unit")
RAW_OUTPUTS = Channel("raw_outputs", "outputs of the array")
"""This channel and those below serve only a layer whose outputs pass through the vector unit."""
SHORTCUT_SLOT = Channel("shortcut_slot", "a free slot for shortcut values")
SHORTCUTS = Channel("shortcuts", "shortcut values from DRAM")
CHANNELS = (
    VECTOR_SPACE, OPERANDS, VECTOR_SLOT, VECTOR_RESULTS, RAW_OUTPUTS, SHORTCUT_SLOT, SHORTCUTS,
)  # fmt: skip

VECTOR_OPERATIONS = Category(
    "vector", "vector operations", noun="vector operations", short="vector unit", color="#117733"
)
VECTOR = Kind("vector", VECTOR_UNIT, counts_as=CountsAs(VECTOR_OPERATIONS))

SLOTS = 2
"""One slot fills while the DMA unit empties the other, or the other way round."""


def start_tokens(space: int) -> dict[Channel, int]:
    """Every channel with its number of tokens at the start.

    Args:
        space: bytes of the buffer that holds operands.

    """
    return dict.fromkeys(CHANNELS, 0) | {
        VECTOR_SPACE: space,
        VECTOR_SLOT: SLOTS,
        SHORTCUT_SLOT: SLOTS,
    }
