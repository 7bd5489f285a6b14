"""The records of a layer, made from its plan."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from simulator.columns import Ints
from simulator.machines.lut_array.banks import bank_of
from simulator.machines.lut_array.buffering import Buffering, Position
from simulator.machines.lut_array.pixels import row_count, row_pixels, rows_per_image
from simulator.machines.lut_array.plan import LayerPlan, WeightReuse
from simulator.machines.lut_array.records import (
    InputBlock,
    Layer,
    LutPass,
    OutputBlock,
    OutputTile,
    Row,
    Transfer,
)
from simulator.machines.lut_array.weights import fetched_for

_Pixels = tuple[tuple[int, ...], ...]
"""Output pixels of each pixel step of each transfer of a row."""


def layer_of(plan: LayerPlan, loaded_for: WeightReuse, buffering: Buffering) -> Layer:
    """Make the records of a layer.

    Args:
        plan: the layer.
        loaded_for: how long its weight tiles stay in the index buffer.
        buffering: of its inputs.

    """
    layer, hardware = plan.layer, plan.hardware
    return Layer(
        mode=plan.mode,
        buffering=buffering.scheme,
        reads_inputs=buffering.first_read is not None,
        loaded_for=loaded_for,
        fetched_for=fetched_for(plan),
        subset_bytes=plan.subset_bytes,
        output_blocks=_output_blocks(plan),
        images=_images(plan, buffering),
        lut_passes=len(plan.pass_entries) if plan.mode == "table" else 0,
        burst_bytes=hardware.memory.dram.burst_bytes,
        activation_bits=plan.activation_bits,
        unit_channels=1 if layer.full_precision else layer.unit_channels,
        window_bits=plan.window_bits,
        word_bytes=plan.activation_word,
        all_pes=hardware.array.pes,
        unit_macs=layer.kernel**2,
        macs_per_cycle=hardware.full_precision.macs_per_cycle,
    )


# --- channels: output blocks, input blocks, LUT passes -------------------------------------------


def _output_blocks(plan: LayerPlan) -> tuple[OutputBlock, ...]:
    blocks = zip(plan.blocks, _input_blocks(plan), strict=True)
    return tuple(
        OutputBlock(
            outputs=block.outputs,
            direct_cycles=plan.direct_cycles(block),
            drain_cycles=plan.drain_cycles(block),
            input_blocks=input_blocks,
            first=number == 0,
        )
        for number, (block, input_blocks) in enumerate(blocks)
    )


def _input_blocks(plan: LayerPlan) -> Iterator[tuple[InputBlock, ...]]:
    """Yield the input blocks of each output block."""
    last = len(plan.group_units) - 1
    for fetched, stored, passes in zip(
        plan.chunk_table.tolist(), plan.stored_table.tolist(), _passes(plan), strict=True
    ):
        yield tuple(
            InputBlock(
                units=units,
                pes=1 if plan.pixels_are_spatial else units,
                fetch_bytes=fetched[number],
                stored_bytes=stored[number],
                passes=passes[number],
                first=number == 0,
                last=number == last,
            )
            for number, units in enumerate(plan.group_units)
        )


def _passes(plan: LayerPlan) -> list[list[tuple[LutPass, ...]]]:
    """[output blocks][input blocks] LUT passes of a step."""
    if plan.mode != "table":
        return [[()] * len(plan.group_units) for _ in plan.blocks]
    fills, accumulates = plan.pass_fill_cycles(), plan.accumulate_table
    conflicts = np.zeros_like(accumulates)
    if not bank_of(plan.hardware).always_in_a_cycle:
        conflicts = accumulates - plan.unhindered_table
    last = len(fills) - 1
    return [
        [
            tuple(
                LutPass(*cycles, first=number == 0, last=number == last)
                for number, cycles in enumerate(zip(fills, *step, strict=True))
            )
            for step in zip(*of_block, strict=True)
        ]
        for of_block in zip(accumulates.tolist(), conflicts.tolist(), strict=True)
    ]


# --- pixels: rows, transfers, output tiles -------------------------------------------------------


def _images(plan: LayerPlan, buffering: Buffering) -> tuple[tuple[Row, ...], ...]:
    """Rows image by image; rows that are alike are one record."""
    facts = _facts(buffering)
    known: dict[object, Row] = {}
    rows, last = [], row_count(plan) - 1
    first_read = buffering.first_read.row if buffering.first_read else None
    for row in range(last + 1):
        alike = (row == 0, row == last, row == first_read, facts[row].tobytes())
        if alike not in known:
            known[alike] = _row(plan, buffering, row, last=row == last)
        rows.append(known[alike])
    bounds = range(0, len(rows) + 1, rows_per_image(plan))
    return tuple(tuple(rows[first:end]) for first, end in pairwise(bounds))


def _facts(buffering: Buffering) -> Ints:
    """[rows, facts] everything that sets rows apart, but for being first or last."""
    of_steps = buffering.step_pixels
    next_row = np.roll(of_steps[:, :1], -1, axis=0)
    of_transfers = (buffering.read_bytes, buffering.taken, buffering.freed)
    rows = len(of_steps)
    parts = (*(each.reshape(rows, -1) for each in of_transfers), of_steps, next_row)
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _row(plan: LayerPlan, buffering: Buffering, row: int, last: bool) -> Row:
    pixels, blocks = row_pixels(plan, row), len(plan.blocks)
    transfers = [
        tuple(_transfers(buffering, pixels, row, block, last and block == blocks - 1))
        for block in range(blocks)
    ]
    return Row(transfers=tuple(transfers), first=row == 0, last=last)


def _transfers(
    buffering: Buffering, pixels: _Pixels, row: int, block: int, last: bool
) -> Iterator[Transfer]:
    """Yield the transfers of an output block along a row; `last`: it has the layer's last."""
    for number in range(len(pixels)):
        position = Position(row, block, number)
        reads = bool(buffering.read_bytes[position])
        yield Transfer(
            tiles=tuple(_tiles(buffering, pixels, position)),
            read_bytes=int(buffering.read_bytes[position]),
            space_taken=int(buffering.taken[position]),
            first_read=reads and position == buffering.first_read,
            last=last and number == len(pixels) - 1,
        )


def _tiles(buffering: Buffering, pixels: _Pixels, transfer: Position) -> Iterator[OutputTile]:
    """Yield the output tiles of a transfer."""
    row, block, number = transfer
    steps, first = sum(map(len, pixels)), number * len(pixels[0])
    under = [*buffering.step_pixels[row, :steps].tolist(), _pixels_after(buffering, row, block)]
    for step, tile_pixels in enumerate(pixels[number], first):
        opens, closes = step == first, step == first + len(pixels[number]) - 1
        yield OutputTile(
            pixels=tile_pixels,
            first=row == block == step == 0,
            first_of_row=step == 0,
            last_of_row=step == steps - 1,
            first_of_transfer=opens,
            last_of_transfer=closes,
            inputs_read=opens and bool(buffering.read_bytes[transfer]),
            input_pixels=under[step],
            first_read=under[step] > 0 and Position(row, block, step) == buffering.first_read,
            next_reads=under[step + 1] > 0,
            space_freed=int(buffering.freed[transfer]) if closes else 0,
        )


def _pixels_after(buffering: Buffering, row: int, block: int) -> int:
    """Scheme `step`: input pixels under the first output tile of the next output block or row."""
    pixels, blocks = buffering.step_pixels[:, 0].tolist(), buffering.read_bytes.shape[1]
    if block < blocks - 1:
        return int(pixels[row])
    return int(pixels[row + 1]) if row + 1 < len(pixels) else 0
