"""The order of a layer's steps that would move the fewest bytes.

The mapper has a fixed order (docs/decisions/0004): row by row, in a row output block by output
block. If a layer does not fit in the index buffer, this order reads its weights once per row.

This module compares orders in *bands* of R rows: for band, for output block, for row in band. They
read weights once per band. They read the band's inputs once if these stay in the activation buffer
for all output blocks, and otherwise once per output block. R = 1 is the mapper's order; a single
band is the order block by block.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.base.wording import counted, kilobytes, layers_phrase, percent
from simulator.machines.family import Ran
from simulator.machines.lut_array.buffering import input_space
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.vocabulary import UNITS
from simulator.machines.vector.mapped import MappedVector

_AT_DRAM = [number for number, unit in enumerate(UNITS) if unit.dram]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """An order of steps and its reads."""

    rows: int
    bytes: int
    """Bytes of weights and inputs that it reads, each tensor in whole bursts."""
    fewer: int
    """Bytes that it saves relative to single rows."""


def best_band(mapped: MappedLayer) -> Band:
    """Return the bands that read the fewest bytes; among equal bands, the lowest.

    Bands matter only if the layer reads its weights once per row. They do not matter if the whole
    layer fits in the index buffer, if an output block does not fit, or if steps span several
    rows. A band has the rows of all images of an image block.
    """
    plan = mapped.plan
    choice = mapped.weights == "row" and plan.pixels_per_step <= plan.layer.out_width
    height = plan.layer.out_height
    heights = {-(-height // bands) for bands in range(1, height + 1)} if choice else {1}
    fewest, rows = min((_read(mapped, rows), rows) for rows in heights)
    return Band(rows=rows, bytes=fewest, fewer=_read(mapped, 1) - fewest)


def _read(mapped: MappedLayer, rows: int) -> int:
    """Bytes that a layer reads in bands of `rows` rows."""
    plan, layer = mapped.plan, mapped.plan.layer
    images = plan.batch * layer.images
    bands = len(plan.image_blocks) * layer.images * -(-layer.out_height // rows)
    weights = _weights(plan) * (1 if mapped.weights == "layer" else bands)
    spans = [
        _input_rows(plan, first, min(first + rows, layer.out_height))
        for first in range(0, layer.out_height, rows)
    ]
    if plan.on_chip.all_operands:
        return weights
    together = max(plan.image_blocks)
    if _row_bytes(plan, together * max(spans)) <= input_space(plan, mapped.writes):
        return (
            weights
            + plan.in_bursts(_row_bytes(plan, _input_rows(plan, 0, layer.out_height))) * images
        )
    return weights + len(plan.blocks) * images * sum(
        plan.in_bursts(_row_bytes(plan, span)) for span in spans
    )


def _weights(plan: LayerPlan) -> int:
    """Bytes of all weight tiles, each in whole bursts; the first includes the subset."""
    sizes = plan.stored_table.ravel().tolist()
    sizes[0] += plan.subset_bytes
    return sum(plan.in_bursts(size) for size in sizes)


def _input_rows(plan: LayerPlan, first: int, behind: int) -> int:
    """Number of input rows under a range of output rows, without the end of the range."""
    layer = plan.layer
    stride, padding = layer.strides.height, layer.paddings.height
    top = first * stride - padding
    bottom = (behind - 1) * stride - padding + layer.extents.height
    return min(bottom, layer.in_height) - max(top, 0)


def _row_bytes(plan: LayerPlan, rows: int) -> int:
    layer = plan.layer
    return -(-rows * layer.in_width * layer.in_channels * plan.activation_bits // 8)


def tiling_notes(run: Ran[MappedLayer]) -> Iterator[str]:
    """Note the layers for which bands of several rows would move fewer bytes."""
    better: dict[int, list[tuple[str, int, int]]] = {}
    """Layers by the rows of their bands, with the bytes that they move and that they would save."""
    network = [mapped.layer.name for mapped in run.mapping.weighted]
    for mapped, moved in zip(run.mapping.layers, run.summary.bytes, strict=True):
        if isinstance(mapped, MappedVector):
            continue
        band = best_band(mapped)
        if band.fewer:
            across = int(moved[_AT_DRAM].sum())
            better.setdefault(band.rows, []).append((mapped.layer.name, across, band.fewer))
    for rows, members in sorted(better.items()):
        names = [name for name, _, _ in members]
        moved_bytes, fewer = (sum(column) for column in list(zip(*members, strict=True))[1:])
        yield (
            f"{layers_phrase(names, network).text} would move {percent(fewer / moved_bytes)} fewer "
            f"DRAM bytes ({kilobytes(moved_bytes - fewer)} instead of {kilobytes(moved_bytes)}) "
            f"block by block in bands of {counted(rows, 'row')} instead of row by row."
        )
