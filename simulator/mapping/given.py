"""What the writers of a layer's commands are given: the plan's decisions as plain numbers.

Everything else they work out themselves (`visits.py`, `nest.py`), interpreted or compiled.
"""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np

from simulator.columns import Ints
from simulator.machines.lut_array.plan import LayerPlan
from simulator.mapping.weights import WeightLoads

TABLE, DIRECT, MAC = range(3)
MODES = {"table": TABLE, "direct": DIRECT, "mac": MAC}
LAYER_ONCE, BLOCK_PER_ROW, CHUNK_PER_STEP = range(3)
NOTHING: Ints = np.zeros(0, dtype=np.int64)
LOADS = {"layer": LAYER_ONCE, "row": BLOCK_PER_ROW, "step": CHUNK_PER_STEP}


class Given(NamedTuple):
    """One layer on one machine."""

    mode: int
    """`TABLE`, `DIRECT` or `MAC`."""
    loads: int
    """`LAYER_ONCE`, `BLOCK_PER_ROW` or `CHUNK_PER_STEP`: how long a chunk stays."""
    groups: int
    """Groups of input channels."""
    blocks: int
    """Blocks of output channels."""
    conv_blocks: int
    """Blocks of each group of the convolution."""
    # --- pixels
    pixels: int
    """Output pixels of the batch."""
    per_step: int
    """Output pixels of a pixel step."""
    pixel_steps: int
    per_transfer: int
    """Pixel steps of a transfer."""
    per_row: int
    """Pixel steps of a row."""
    rows: int
    rows_per_image: int
    """Of an image, or, where rows span several, of all."""
    # --- loads
    full_rows: int
    """Rows with all their pixel steps."""
    distinct_rows: int
    """Of those, rows with loads of their own; later ones repeat the last."""
    row_loads: int
    """Loads of a full row; 0 where the layer is loaded once."""
    # --- what a step takes
    banks: int
    """Banks of the table."""
    register_sets: int
    """Sets of index registers."""
    passes: int
    """Passes over the subset."""
    window_bits: int
    """Bits of a PE's window of activations, times the denominator of the bits of a line,"""
    line_bits: int
    """and that fraction's numerator."""
    all_pes: int
    macs_per_unit: int
    """Multiplications of an output for each input unit."""
    macs_per_cycle: int
    value_bits: int
    """Bits of an activation."""
    burst: int
    """Bytes of a burst of the DRAM."""
    # --- where inputs lie
    in_height: int
    in_width: int
    out_height: int
    out_width: int
    stride: int
    padding: int
    extent: int
    """Input rows and columns under an output pixel."""
    in_channels: int
    unit_channels: int
    """Input channels of an input unit."""
    buffer_room: int
    """Bytes of the activation buffer that inputs may fill."""
    aligned: int
    """1: a row of pixel steps is a row of output."""
    # --- where in memory tables begin
    units: int
    """[groups] input units."""
    pes: int
    """[groups] PEs that have an input unit of a pixel to work on, per pixel."""
    outputs: int
    """[blocks] output channels."""
    dots: int
    """[blocks] cycles of a step without a table."""
    drains: int
    """[blocks] cycles of a drain."""
    fills: int
    """[passes] cycles of a fill."""
    accumulates: int
    """[blocks, groups, passes] cycles of an accumulate."""
    chunk_bytes: int
    """[blocks, groups] bytes of an index fetch."""
    load_bytes: int
    """[places] bytes of a load, in whole bursts."""
    # --- what the writers find out: `alike.py`, `inputs.py`
    like_block: int
    """[blocks] the first block with the same commands."""
    like_group: int
    """[blocks, groups] the first group of those alike; sums begin with group 0, like no other."""
    way: int
    """How inputs are held."""
    largest: int
    """Bytes of the largest read, if nothing fits."""
    width: int
    """Input columns that are needed at all."""
    image: int
    """Input pixels that the output of an image needs."""
    top: int
    """[out_height] first input row under each row of output,"""
    bottom: int
    """and the first row behind."""
    needed: int
    """[out_height] input rows that are needed up to each row of output."""
    left: int
    """[out_width] like `top`, of columns."""
    right: int
    freed: int
    """[rows] bytes that are not needed from each row on."""
    rows_done: int
    """[rows] rows of output that must be done before each row's last read."""


def given_of(plan: LayerPlan, weights: WeightLoads, begin: int) -> tuple[Given, list[Ints]]:
    """Take what the writers ask for out of the plan: numbers, and tables, from `begin` on."""
    hardware, layer, line = plan.hardware, plan.layer, plan.activation_word
    table, memory = plan.mode == "table", hardware.memory
    rows, images = -(-plan.pixel_steps // plan.steps_per_row), plan.batch * layer.images
    units, blocks = plan.group_units, plan.blocks
    lists: list[Sequence[int]] = [
        units,
        [1] * len(units) if plan.pixels_are_spatial else units,
        [block.outputs for block in blocks],
        [plan.direct_cycles(block) for block in blocks],
        [plan.drain_cycles(block) for block in blocks],
        plan.pass_fill_cycles() if table else (),
    ]
    tables = [
        plan.accumulate_table.ravel() if table else NOTHING,
        plan.chunk_table.ravel(),
        plan.in_bursts(weights.bytes),
    ]
    height, width = layer.out_height, layer.out_width
    blocks_by_groups = len(blocks) * len(units)
    found = (
        len(blocks), blocks_by_groups, 1, 1, 1, 1, *[height] * 3, *[width] * 2, rows, rows,
    )  # fmt: skip
    given = Given(
        mode=MODES[plan.mode],
        loads=LOADS[weights.reuse],
        groups=len(units),
        blocks=len(blocks),
        conv_blocks=len(blocks) // layer.groups,
        pixels=plan.pixels,
        per_step=plan.pixels_per_step,
        pixel_steps=plan.pixel_steps,
        per_transfer=plan.steps_per_transfer,
        per_row=plan.steps_per_row,
        rows=rows,
        rows_per_image=rows // images if rows % images == 0 else rows,
        full_rows=weights.full_rows,
        distinct_rows=weights.distinct,
        row_loads=weights.row_loads,
        banks=hardware.array.pe.lut_banks,
        register_sets=hardware.array.pe.index_register_sets,
        passes=len(plan.pass_entries) if table else 1,
        window_bits=plan.window_bits * line.denominator,
        line_bits=8 * line.numerator,
        all_pes=hardware.array.pes,
        macs_per_unit=layer.kernel**2,
        macs_per_cycle=hardware.full_precision.macs_per_cycle,
        value_bits=plan.activation_bits,
        burst=memory.dram.burst_bytes,
        in_height=layer.in_height,
        in_width=layer.in_width,
        out_height=layer.out_height,
        out_width=layer.out_width,
        stride=layer.stride,
        padding=layer.padding,
        extent=layer.extent,
        in_channels=layer.in_channels,
        unit_channels=1 if layer.full_precision else layer.unit_channels,
        buffer_room=int(memory.activation_buffer.kib * 1024) - 2 * plan.out_transfer_bytes,
        aligned=int(layer.out_width == plan.steps_per_row * plan.pixels_per_step),
        **_places(begin, [*map(len, lists), *map(len, tables), *found]),
    )
    first = np.array([*chain.from_iterable(lists)], dtype=np.int64)
    return given, [first, *tables, np.zeros(sum(found), dtype=np.int64)]


def _places(begin: int, sizes: list[int]) -> dict[str, int]:
    """Where the tables begin whose sizes are given, by name."""
    *places, _ = accumulate(sizes, initial=begin)
    return dict(zip(Given._fields[-len(sizes) :], places, strict=True))
