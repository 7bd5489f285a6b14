"""The array unit by unit: each function is the controller of one unit in one layer.

A weight tile passes from DRAM to the drain through `weights_dma`, `index_fetch`, `dot_fills`,
`accumulate` and `drain`. Without a LUT, `dot_direct` takes the place of `dot_fills` and
`accumulate`; a layer in full precision runs on `full_precision` between the DMA units.

Every unit works through the output tiles in the same order (`loops.py`), and advances by a step for
every input block. It names the values of output tiles that it uses, and gets no others. Its program
has one copy of the commands for equal values. `step_inputs` and `step_done` are tokens that several
units share. In a layer with an epilogue, the vector unit stands between the array and the outputs
DMA (`epilogue.py`).

`weights.py` and `buffering.py` decide which data comes on chip, and when. `records.py` has their
decisions. `vocabulary.py` has the channels in which the units meet.
"""

from collections import defaultdict
from collections.abc import Callable

from simulator.machines.lut_array.epilogue import read_shortcuts, vector
from simulator.machines.lut_array.loops import output_tiles, transfers
from simulator.machines.lut_array.records import (
    InputBlock,
    Layer,
    OutputBlock,
    OutputTile,
    TileDone,
    TileInputs,
)
from simulator.machines.lut_array.vocabulary import (
    ACCUMULATE,
    ACCUMULATORS,
    ACTIVATION_BUFFER,
    BANK,
    DIRECT,
    DOT_UNITS,
    DRAIN,
    DRAIN_DONE,
    DRAIN_UNIT,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
    FETCH_INDICES,
    FILL,
    FILLED_BANK,
    INDEX_BUFFER,
    INDEX_FETCH,
    INDICES,
    INPUTS,
    INPUTS_FOR_FETCH,
    INPUTS_FOR_LOAD,
    LOAD_WEIGHTS,
    MAC,
    MAC_UNIT,
    OUTPUT_SLOT,
    OUTPUTS,
    PARTIAL_SUMS,
    PREVIOUS_LAYER,
    PREVIOUS_OUTPUTS,
    READ_INPUTS,
    REGISTERS,
    STEP_DONE,
    SUMS,
    WEIGHT_TILE,
    WRITE_OUTPUTS,
)
from simulator.machines.vector.vocabulary import RAW_OUTPUTS, VECTOR_UNIT
from simulator.program import Amount, Body, Channel, Section, Unit, Writer, write

Tokens = list[Amount | Channel | bool]


# --- DMA units -----------------------------------------------------------------------------------


def weights_dma(layer: Layer, do: Writer) -> None:
    """Load weight tiles in the order of their use, as soon as the index buffer has space."""
    for block, (weights, steps_read) in output_tiles(
        layer, do, lambda tile: (tile.weights, tile.inputs.steps_read)
    ):
        if not weights.loads:
            do.skip(block.steps)
            continue
        for input_block in do.each(block.input_blocks):
            space = layer.tile_space(weights, input_block)
            do(
                LOAD_WEIGHTS(
                    bytes=layer.in_bursts(layer.tile_bytes(weights, input_block)),
                    takes=[INDEX_BUFFER(space), steps_read and INPUTS_FOR_LOAD],
                    gives=[WEIGHT_TILE],
                    steps=1,
                )
            )


def inputs_dma(layer: Layer, do: Writer) -> None:
    """Read inputs transfer by transfer, after the writes of earlier layers that have them."""
    for block, transfer in transfers(layer, do, lambda transfer: transfer):
        if transfer.read_bytes:
            space = ACTIVATION_BUFFER(transfer.space_taken)
            do(
                READ_INPUTS(
                    bytes=transfer.read_bytes,
                    takes=[space, PREVIOUS_OUTPUTS(transfer.awaited)],
                    gives=[INPUTS],
                )
            )
        read_shortcuts(transfer.shortcuts, do)
        do.skip(transfer.tile_count * block.steps)


def inputs_dma_by_step(layer: Layer, do: Writer) -> None:
    """Read each step's inputs after the previous step, and after a drain that follows that step."""
    kept: defaultdict[OutputBlock, dict[OutputTile, Body]] = defaultdict(dict)
    for block, (tiles, shortcuts) in transfers(
        layer, do, lambda transfer: (transfer.tiles, transfer.shortcuts)
    ):
        read_shortcuts(shortcuts, do)
        for tile in do.each(tiles, kept[block]):
            read_tile(layer, block, tile, do)


def read_tile(layer: Layer, block: OutputBlock, tile: OutputTile, do: Writer) -> None:
    """Read the inputs of an output tile, step by step."""
    if not tile.inputs.steps_read:
        do.skip(block.steps)
        return
    loads = tile.weights.loads
    fetches = layer.mode != "mac" and tile.weights.fetches
    for input_block in do.each(block.input_blocks):
        values = tile.input_pixels * input_block.units * layer.unit_channels
        follows_step = not (tile.inputs.first and input_block.first)
        follows_drain = follows_step and input_block.first and layer.mode != "mac"
        do(
            READ_INPUTS(
                bytes=layer.in_bursts(layer.activation_bytes(values)),
                takes=[
                    input_block.first and PREVIOUS_OUTPUTS(tile.awaited),
                    follows_step and STEP_DONE,
                    follows_drain and DRAIN_DONE,
                ],
                gives=[INPUTS, loads and INPUTS_FOR_LOAD, fetches and INPUTS_FOR_FETCH],
                steps=1,
            )
        )


def outputs_dma(layer: Layer, do: Writer) -> None:
    """Write the outputs of a transfer, and free its output slot."""
    for block, (tile_count, copies, handed, ends) in transfers(
        layer,
        do,
        lambda transfer: (
            transfer.tile_count,
            transfer.written_bytes,
            transfer.handed,
            transfer.ends,
        ),
    ):
        do.skip(tile_count * block.steps - 1)
        for number, size in enumerate(copies, start=1):
            done = number == len(copies)
            do(
                WRITE_OUTPUTS(
                    bytes=size,
                    takes=[number == 1 and OUTPUTS],
                    gives=[
                        done and OUTPUT_SLOT,
                        done and PREVIOUS_OUTPUTS(handed),
                        done and ends and PREVIOUS_LAYER,
                    ],
                    steps=int(done),
                )
            )


# --- the PEs -------------------------------------------------------------------------------------


def index_fetch(layer: Layer, do: Writer) -> None:
    """Move weight tiles into free sets of index registers; the last fetch of a tile frees it."""
    for block, (weights, steps_read) in output_tiles(
        layer, do, lambda tile: (tile.weights, tile.inputs.steps_read)
    ):
        if not weights.fetches:
            do.skip(block.steps)
            continue
        for input_block in do.each(block.input_blocks):
            size = layer.tile_bytes(weights, input_block)
            do(
                FETCH_INDICES(
                    bytes=input_block.fetch_bytes,
                    takes=[
                        REGISTERS,
                        weights.loads and WEIGHT_TILE,
                        steps_read and INPUTS_FOR_FETCH,
                    ],
                    gives=[INDICES, weights.frees and INDEX_BUFFER(size)],
                    steps=1,
                )
            )


def dot_fills(layer: Layer, do: Writer) -> None:
    """Fill one LUT bank after another; a step's first fill takes at least its window reads."""
    for block, (pixels, inputs) in output_tiles(layer, do, lambda tile: (tile.pixels, tile.inputs)):
        for input_block in do.each(block.input_blocks):
            pes = pixels * input_block.units
            for lut_pass in do.each(input_block.passes):
                words = layer.window_words(pes) if lut_pass.first else 0
                awaited = step_inputs(layer, inputs, input_block) if lut_pass.first else []
                do(
                    FILL(
                        pes=pes,
                        cycles=max(lut_pass.fill_cycles, words),
                        penalty=max(words - lut_pass.fill_cycles, 0),
                        takes=[BANK, *awaited],
                        gives=[FILLED_BANK],
                        steps=int(lut_pass.last),
                    )
                )


def accumulate(layer: Layer, do: Writer) -> None:
    """Fetch entries of a filled bank and add them to an output tile's sums."""
    for block, (pixels, fetched, released, done) in output_tiles(
        layer,
        do,
        lambda tile: (tile.pixels, tile.weights.fetches, tile.weights.releases, tile.done),
    ):
        for input_block in do.each(block.input_blocks):
            for lut_pass in do.each(input_block.passes):
                first, last = lut_pass.first, lut_pass.last
                given = step_done(done, input_block) if last else []
                do(
                    ACCUMULATE(
                        pes=pixels * input_block.units,
                        cycles=lut_pass.accumulate_cycles,
                        penalty=lut_pass.conflict_cycles,
                        takes=[
                            FILLED_BANK,
                            first and fetched and INDICES,
                            first and input_block.first and PARTIAL_SUMS,
                        ],
                        gives=[
                            BANK,
                            last and released and REGISTERS,
                            last and input_block.last and SUMS,
                            *given,
                        ],
                        steps=int(last),
                    )
                )


def dot_direct(layer: Layer, do: Writer) -> None:
    """Add a step's dot products straight to an output tile's sums, without a LUT."""
    for block, tile in output_tiles(layer, do, lambda tile: tile):
        fetched, released = tile.weights.fetches, tile.weights.releases
        for input_block in do.each(block.input_blocks):
            pes = tile.pixels * input_block.units
            words = layer.window_words(pes)
            do(
                DIRECT(
                    pes=pes,
                    cycles=max(block.direct_cycles, words),
                    penalty=max(words - block.direct_cycles, 0),
                    takes=[
                        fetched and INDICES,
                        input_block.first and PARTIAL_SUMS,
                        *step_inputs(layer, tile.inputs, input_block),
                    ],
                    gives=[
                        released and REGISTERS,
                        input_block.last and SUMS,
                        *step_done(tile.done, input_block),
                    ],
                    steps=1,
                )
            )


def drain(layer: Layer, do: Writer) -> None:
    """Send an output tile's sums to an output slot, which a transfer's first tile takes.

    The next output tile overwrites the sums in the order in which they leave: it may begin with the
    drain. Several LUT passes add sums in another order, after the drain.
    """
    in_order = layer.lut_passes <= 1
    for block, (first, last, next_reads) in output_tiles(
        layer,
        do,
        lambda tile: (tile.first_of_transfer, tile.last_of_transfer, tile.done.next_reads),
    ):
        do.skip(block.steps - 1)
        do(
            DRAIN(
                cycles=block.drain_cycles,
                takes=[SUMS, first and OUTPUT_SLOT],
                begins=[in_order and PARTIAL_SUMS],
                gives=[
                    not in_order and PARTIAL_SUMS,
                    last and leaving(layer),
                    next_reads and DRAIN_DONE,
                ],
                steps=1,
            )
        )


def full_precision(layer: Layer, do: Writer) -> None:
    """Multiply and accumulate with weights and inputs as they arrive, into an output slot."""
    for block, tile in output_tiles(layer, do, lambda tile: tile):
        weights = tile.weights
        for input_block in do.each(block.input_blocks):
            space = layer.tile_space(weights, input_block)
            macs = tile.pixels * block.outputs * input_block.units * input_block.unit_macs
            last = input_block.last
            do(
                MAC(
                    pes=layer.all_pes,
                    cycles=-(-macs // layer.macs_per_cycle),
                    takes=[
                        weights.loads and WEIGHT_TILE,
                        last and tile.first_of_transfer and OUTPUT_SLOT,
                        *step_inputs(layer, tile.inputs, input_block),
                    ],
                    gives=[
                        weights.frees and INDEX_BUFFER(space),
                        last and tile.last_of_transfer and leaving(layer),
                        *step_done(tile.done, input_block),
                    ],
                    steps=1,
                )
            )


# --- shared by the units -------------------------------------------------------------------------


def step_inputs(layer: Layer, inputs: TileInputs, input_block: InputBlock) -> Tokens:
    """Tokens that a step takes for its inputs; the first step may wait for the previous layer."""
    first_step = inputs.first and input_block.first
    return [
        (inputs.steps_read or (inputs.transfer_reads and input_block.first)) and INPUTS,
        *(layer.first_step if first_step else ()),
    ]


def leaving(layer: Layer) -> Channel:
    """The channel in which the outputs of a transfer leave the array."""
    return RAW_OUTPUTS if layer.has_epilogue else OUTPUTS


def step_done(done: TileDone, input_block: InputBlock) -> Tokens:
    """Tokens that a step gives when it is done: space of inputs, or the start of the next read."""
    next_reads = done.next_reads if input_block.last else done.steps_read
    return [
        next_reads and STEP_DONE,
        input_block.last and ACTIVATION_BUFFER(done.space_freed),
    ]


def section_of(layer: Layer, *, plain: bool = False) -> Section:
    """Write the programs of all units that a layer uses.

    Args:
        layer: the layer.
        plain: true for programs without loops; see `Writer`.

    """
    functions: dict[Unit, Callable[[Layer, Writer], None]] = {
        DRAM_WEIGHTS: weights_dma,
        DRAM_INPUTS: inputs_dma_by_step if layer.buffering == "step" else inputs_dma,
        DRAM_OUTPUTS: outputs_dma,
    }
    if layer.mode == "mac":
        functions |= {MAC_UNIT: full_precision}
    elif layer.mode == "direct":
        functions |= {INDEX_FETCH: index_fetch, DOT_UNITS: dot_direct, DRAIN_UNIT: drain}
    else:
        functions |= {INDEX_FETCH: index_fetch, DOT_UNITS: dot_fills}
        functions |= {ACCUMULATORS: accumulate, DRAIN_UNIT: drain}
    if layer.has_epilogue:
        functions |= {VECTOR_UNIT: vector}
    return Section({unit: write(one, layer, plain=plain) for unit, one in functions.items()})
