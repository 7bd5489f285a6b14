"""The array unit by unit: each function is the controller of one unit in one layer.

All units process the folds in the same order, and the pieces of a fold in the same order. They
advance by a step for every piece. Operands pass from DRAM to the PEs through a DMA unit and a
scratchpad. An operand that stays in the PEs passes through `preload`; `array` takes the other
operands piece by piece. The results of `array` leave through `outputs_dma`; outputs of a layer with
an epilogue pass through `vector` on their way. If the partial sums do not fit in the scratchpad,
they come back through `sums_dma`. `plan.py` decides what fits; `vocabulary.py` has the channels
between the units.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from simulator.machines.systolic.records import Fold, Layer, Piece, Tile
from simulator.machines.systolic.vocabulary import (
    ARRAY,
    DRAIN,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
    INPUT_BUFFER,
    INPUTS,
    LEAVE,
    OUTPUT_SPACE,
    PRELOAD,
    PRELOAD_UNIT,
    PREVIOUS_LAYER,
    PREVIOUS_OUTPUTS,
    REGISTERS,
    RESULTS,
    RETURN_SPACE,
    RETURNED_SUMS,
    SPILLED_SUMS,
    STATIONARY,
    STREAM,
    WEIGHT_BUFFER,
    WEIGHTS,
    transfers_of,
)
from simulator.machines.vector.vocabulary import (
    RAW_OUTPUTS,
    SHORTCUT_SLOT,
    SHORTCUTS,
    VECTOR,
    VECTOR_RESULTS,
    VECTOR_UNIT,
)
from simulator.program import Amount, Channel, Section, Unit, Writer, write

Tokens = list[Amount | Channel | bool]


class Needs(NamedTuple):
    """Data from DRAM for a piece, or for a fold."""

    tile: Tile | None
    shortcuts: tuple[int, ...]
    """Bytes of shortcut values for each addition."""
    first_read: bool
    """True if the shortcut values are the layer's first reads."""
    steps: int
    """Pieces after which the DMA unit reads other data."""


# --- DMA units -----------------------------------------------------------------------------------


def weights_dma(layer: Layer, do: Writer) -> None:
    """Load weights or indices tile by tile, while the scratchpad has free buffers."""
    load_weights = transfers_of(ideal=layer.ideal_memory).load_weights
    for tile, *_, pieces in needs(layer, do, stays="weight_stationary", of=weights_of):
        if tile is None or not tile.load_bytes:
            do.skip(pieces)
            continue
        do(
            load_weights(
                bytes=tile.load_bytes,
                takes=[tile.opens and WEIGHT_BUFFER],
                gives=[WEIGHTS],
                steps=pieces,
            )
        )


def inputs_dma(layer: Layer, do: Writer) -> None:
    """Read inputs tile by tile, and the shortcut values of each piece whose outputs leave.

    The first read waits for the outputs of the previous layer. Inputs on chip have no read.
    """
    read_inputs = transfers_of(ideal=layer.ideal_memory).read_inputs
    for tile, shortcuts, first_read, pieces in needs(
        layer, do, stays="input_stationary", of=inputs_of
    ):
        loads = tile is not None and tile.load_bytes > 0
        if tile is not None and loads:
            do(
                read_inputs(
                    bytes=tile.load_bytes,
                    takes=[tile.opens and INPUT_BUFFER, tile.first and PREVIOUS_OUTPUTS],
                    gives=[INPUTS],
                    steps=0 if shortcuts else pieces,
                )
            )
        elif not shortcuts:
            do.skip(pieces)
        for left, size in zip(reversed(range(len(shortcuts))), shortcuts, strict=True):
            opens = left == len(shortcuts) - 1
            do(
                read_inputs(
                    bytes=size,
                    takes=[opens and SHORTCUT_SLOT, opens and first_read and PREVIOUS_OUTPUTS],
                    gives=[SHORTCUTS],
                    steps=0 if left else pieces,
                )
            )


def sums_dma(layer: Layer, do: Writer) -> None:
    """Read the partial sums of a piece back after the strip's previous fold has written them."""
    read_sums = transfers_of(ideal=layer.ideal_memory).read_sums
    for fold in folds(layer, do):
        for sums in do.each(fold.pieces.seen(lambda piece: piece.sums)):
            if not sums.returning_bytes:
                do.skip(1)
                continue
            do(
                read_sums(
                    bytes=sums.returning_bytes,
                    takes=[RETURN_SPACE(sums.return_space), SPILLED_SUMS],
                    gives=[RETURNED_SUMS],
                    steps=1,
                )
            )


def outputs_dma(layer: Layer, do: Writer) -> None:
    """Write every copy of the outputs, or the partial sums, that leave the array with a piece."""
    transfers = transfers_of(ideal=layer.ideal_memory)
    for fold in folds(layer, do):
        for sums in do.each(fold.pieces.seen(lambda piece: piece.sums)):
            if not sums.leaving_bytes:
                do.skip(1)
                continue
            kind = transfers.write_sums if sums.partial else transfers.write_outputs
            results = VECTOR_RESULTS if sums.vector_cycles else RESULTS
            for number, size in enumerate(sums.leaving_bytes, start=1):
                done = number == len(sums.leaving_bytes)
                do(
                    kind(
                        bytes=size,
                        takes=[number == 1 and results],
                        gives=[
                            OUTPUT_SPACE(sums.space_freed if done else 0),
                            sums.partial and SPILLED_SUMS,
                            done and sums.last and PREVIOUS_OUTPUTS,
                            done and sums.last and layer.keeps_maps and PREVIOUS_LAYER,
                        ],
                        steps=int(done),
                    )
                )


# --- the array -----------------------------------------------------------------------------------


def preload(layer: Layer, do: Writer) -> None:
    """Move the stationary operand of a fold, row after row, into a free set of registers."""
    weights = layer.dataflow == "weight_stationary"
    arrived, buffer = (WEIGHTS, WEIGHT_BUFFER) if weights else (INPUTS, INPUT_BUFFER)
    for fold in folds(layer, do):
        tile = fold.stationary
        loads = tile is not None and tile.load_bytes > 0
        closes = tile is not None and tile.closes
        waits = [] if weights else entry(layer, tile)
        do(
            PRELOAD(
                pes=fold.pes,
                cycles=layer.load_cycles,
                takes=[REGISTERS, loads and arrived, *waits],
                gives=[STATIONARY, closes and buffer],
                steps=fold.piece_count,
            )
        )


def array(layer: Layer, do: Writer) -> None:
    """Take the moving operands of a fold step by step; its results leave after the skew."""
    stationary = layer.dataflow != "output_stationary"
    for fold in folds(layer, do):
        for piece in do.each(fold.pieces):
            sums = piece.sums
            space = OUTPUT_SPACE(sums.space_taken)
            do(
                STREAM(
                    pes=fold.pes,
                    cycles=piece.cycles,
                    takes=[
                        stationary and piece.first and STATIONARY,
                        *arrivals(piece),
                        *entry(layer, piece.inputs),
                        *([space] if stationary else []),
                        sums.returning_bytes > 0 and RETURNED_SUMS,
                    ],
                    gives=[*releases(piece), RETURN_SPACE(sums.return_space)],
                    steps=int(not piece.last and not sums.leaving_bytes),
                )
            )
            if sums.leaving_bytes:
                do(
                    LEAVE(
                        takes=[] if stationary else [space],
                        gives=[RAW_OUTPUTS if sums.vector_cycles else RESULTS],
                        steps=int(not piece.last),
                    )
                )
        do(DRAIN(cycles=layer.drain_cycles, gives=[stationary and REGISTERS], steps=1))


# --- the vector unit -----------------------------------------------------------------------------


def vector(layer: Layer, do: Writer) -> None:
    """Apply the fused layers to the outputs of a piece; partial sums pass by."""
    for fold in folds(layer, do):
        for sums in do.each(fold.pieces.seen(lambda piece: piece.sums)):
            if not sums.vector_cycles:
                do.skip(1)
                continue
            additions = len(sums.shortcut_bytes)
            do(
                VECTOR(
                    cycles=sums.vector_cycles,
                    takes=[RAW_OUTPUTS, SHORTCUTS(additions)],
                    gives=[VECTOR_RESULTS, additions > 0 and SHORTCUT_SLOT],
                    steps=1,
                )
            )


# --- shared functions ----------------------------------------------------------------------------


def folds(layer: Layer, do: Writer) -> Iterator[Fold]:
    """Write a loop over all folds, in the order of time."""
    for group in do.each(layer.groups):
        for strip in do.each(group):
            yield from do.each(strip)


def needs(layer: Layer, do: Writer, *, stays: str, of: Callable[[Piece], Needs]) -> Iterator[Needs]:
    """Write a loop over the data that a DMA unit reads, piece by piece.

    Args:
        layer: the layer.
        do: the unit's writer.
        stays: the dataflow in which the operand stays in the PEs: a tile is for a fold.
        of: the data of a piece.

    """
    for fold in folds(layer, do):
        pieces = fold.pieces.seen(of)
        if layer.dataflow == stays:
            alone = not any(piece.shortcuts for _, piece in pieces)
            yield Needs(fold.stationary, (), False, fold.piece_count if alone else 0)
            if alone:
                continue
        yield from do.each(pieces)


def weights_of(piece: Piece) -> Needs:
    """Weights that a piece needs."""
    return Needs(piece.weights, (), False, 1)


def inputs_of(piece: Piece) -> Needs:
    """Inputs and shortcut values that a piece needs."""
    return Needs(piece.inputs, piece.sums.shortcut_bytes, piece.sums.first_read, 1)


def arrivals(piece: Piece) -> Tokens:
    """Tokens that a piece takes for the moving operands that DRAM loads for it."""
    return [
        piece.inputs is not None and piece.inputs.load_bytes > 0 and INPUTS,
        piece.weights is not None and piece.weights.load_bytes > 0 and WEIGHTS,
    ]


def entry(layer: Layer, inputs: Tile | None) -> Tokens:
    """Tokens that the array takes with a layer's first inputs if maps may stay on chip."""
    first = layer.keeps_maps and inputs is not None and inputs.first
    return [first and PREVIOUS_LAYER, first and not layer.reads and PREVIOUS_OUTPUTS]


def releases(piece: Piece) -> Tokens:
    """Buffers of the scratchpads that are free after a piece."""
    return [
        piece.inputs is not None and piece.inputs.closes and INPUT_BUFFER,
        piece.weights is not None and piece.weights.closes and WEIGHT_BUFFER,
    ]


def section_of(
    layer: Layer, *, spills: bool, epilogue: bool = False, plain: bool = False
) -> Section:
    """Write the programs of all units that a layer uses.

    Args:
        layer: the layer.
        spills: True if partial sums go to DRAM and come back.
        epilogue: True if outputs pass through the vector unit.
        plain: without loops; see `Writer`.

    """
    functions: dict[Unit, Callable[[Layer, Writer], None]] = {
        DRAM_WEIGHTS: weights_dma,
        DRAM_INPUTS: inputs_dma,
        DRAM_OUTPUTS: outputs_dma,
        ARRAY: array,
    }
    if spills:
        functions |= {DRAM_SUMS: sums_dma}
    if layer.dataflow != "output_stationary":
        functions |= {PRELOAD_UNIT: preload}
    if epilogue:
        functions |= {VECTOR_UNIT: vector}
    return Section({unit: write(one, layer, plain=plain) for unit, one in functions.items()})
