"""The array unit by unit: each function is the controller of one unit in one layer.

All units process the folds in the same order, and the pieces of a fold in the same order. They
advance by a step for every piece. Operands pass from DRAM to the PEs through a DMA unit and a
scratchpad. An operand that stays in the PEs passes through `preload`; `array` takes the other
operands piece by piece. The results of `array` leave through `outputs_dma`. If the partial sums do
not fit in the scratchpad, they come back through `sums_dma`. `plan.py` decides what fits;
`vocabulary.py` has the channels between the units.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

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
from simulator.program import Amount, Channel, Section, Unit, Writer, write

Tokens = list[Amount | Channel | bool]
Seen = TypeVar("Seen")


# --- DMA units -----------------------------------------------------------------------------------


def weights_dma(layer: Layer, do: Writer) -> None:
    """Load weights or indices tile by tile, while the scratchpad has free buffers."""
    load_weights = transfers_of(ideal=layer.ideal_memory).load_weights
    for tile, pieces in tiles(layer, do, stays="weight_stationary", of=lambda at: at.weights):
        if not tile.load_bytes:
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
    """Read inputs tile by tile; the first read waits for the outputs of the previous layer."""
    read_inputs = transfers_of(ideal=layer.ideal_memory).read_inputs
    for tile, pieces in tiles(layer, do, stays="input_stationary", of=lambda at: at.inputs):
        if not tile.load_bytes:
            do.skip(pieces)
            continue
        do(
            read_inputs(
                bytes=tile.load_bytes,
                takes=[tile.opens and INPUT_BUFFER, tile.first and PREVIOUS_OUTPUTS],
                gives=[INPUTS],
                steps=pieces,
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
    """Write the outputs, or the partial sums, that leave the array with a piece."""
    transfers = transfers_of(ideal=layer.ideal_memory)
    for fold in folds(layer, do):
        for sums in do.each(fold.pieces.seen(lambda piece: piece.sums)):
            if not sums.leaving_bytes:
                do.skip(1)
                continue
            kind = transfers.write_sums if sums.partial else transfers.write_outputs
            do(
                kind(
                    bytes=sums.leaving_bytes,
                    takes=[RESULTS],
                    gives=[
                        OUTPUT_SPACE(sums.space_freed),
                        sums.partial and SPILLED_SUMS,
                        sums.last and PREVIOUS_OUTPUTS,
                    ],
                    steps=1,
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
        do(
            PRELOAD(
                pes=fold.pes,
                cycles=layer.load_cycles,
                takes=[REGISTERS, loads and arrived],
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
                        gives=[RESULTS],
                        steps=int(not piece.last),
                    )
                )
        do(DRAIN(cycles=layer.drain_cycles, gives=[stationary and REGISTERS], steps=1))


# --- shared functions ----------------------------------------------------------------------------


def folds(layer: Layer, do: Writer) -> Iterator[Fold]:
    """Write a loop over all folds, in the order of time."""
    for group in do.each(layer.groups):
        for strip in do.each(group):
            yield from do.each(strip)


def tiles(
    layer: Layer, do: Writer, *, stays: str, of: Callable[[Piece], Tile | None]
) -> Iterator[tuple[Tile, int]]:
    """Write a loop over the tiles of an operand, each with its number of pieces.

    Args:
        layer: the layer.
        do: the unit's writer.
        stays: the dataflow in which the operand stays in the PEs: a tile is for a fold.
        of: the operand's tile of a piece.

    """
    for fold in folds(layer, do):
        if layer.dataflow == stays:
            if fold.stationary is not None:
                yield fold.stationary, fold.piece_count
        else:
            for tile in do.each(fold.pieces.seen(of)):
                if tile is not None:
                    yield tile, 1


def arrivals(piece: Piece) -> Tokens:
    """Tokens that a piece takes for the moving operands that DRAM loads for it."""
    return [
        piece.inputs is not None and piece.inputs.load_bytes > 0 and INPUTS,
        piece.weights is not None and piece.weights.load_bytes > 0 and WEIGHTS,
    ]


def releases(piece: Piece) -> Tokens:
    """Buffers of the scratchpads that are free after a piece."""
    return [
        piece.inputs is not None and piece.inputs.closes and INPUT_BUFFER,
        piece.weights is not None and piece.weights.closes and WEIGHT_BUFFER,
    ]


def section_of(layer: Layer, *, spills: bool, plain: bool = False) -> Section:
    """Write the programs of all units that a layer uses.

    Args:
        layer: the layer.
        spills: True if partial sums go to DRAM and come back.
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
    return Section({unit: write(one, layer, plain=plain) for unit, one in functions.items()})
