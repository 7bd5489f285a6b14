"""The vector unit between the array and the outputs DMA, in a layer with an epilogue."""

from simulator.machines.lut_array.loops import transfers
from simulator.machines.lut_array.records import Layer, Shortcuts
from simulator.machines.lut_array.vocabulary import OUTPUTS, PREVIOUS_OUTPUTS, READ_INPUTS
from simulator.machines.vector.vocabulary import RAW_OUTPUTS, SHORTCUT_SLOT, SHORTCUTS, VECTOR
from simulator.program import Writer


def read_shortcuts(shortcuts: Shortcuts, do: Writer) -> None:
    """Read the values that the unit adds to the outputs of a transfer, into a free slot."""
    for number, size in enumerate(shortcuts.read_bytes):
        opens = number == 0
        do(
            READ_INPUTS(
                bytes=size,
                takes=[
                    opens and SHORTCUT_SLOT,
                    opens and PREVIOUS_OUTPUTS(shortcuts.awaited),
                ],
                gives=[SHORTCUTS],
            )
        )


def vector(layer: Layer, do: Writer) -> None:
    """Run the epilogue on the outputs of a transfer, in their output slot."""
    for block, (tile_count, cycles, shortcuts) in transfers(
        layer,
        do,
        lambda transfer: (transfer.tile_count, transfer.vector_cycles, transfer.shortcuts),
    ):
        reads = len(shortcuts.read_bytes)
        do.skip(tile_count * block.steps - 1)
        do(
            VECTOR(
                cycles=cycles,
                takes=[RAW_OUTPUTS, SHORTCUTS(reads)],
                gives=[OUTPUTS, reads > 0 and SHORTCUT_SLOT],
                steps=1,
            )
        )
