"""The policy for weights: how long a weight tile stays on chip, and the steps that move it.

A weight tile has two lifetimes, in the index buffer and in the PEs' index registers. Each is one of

- `layer`: it stays until its last use in the layer.
- `row`: it stays while its output block passes along a row of output, and returns in the next row.
- `step`: it returns for every step.
"""

from simulator.errors import InputError
from simulator.machines.lut_array.plan import LayerPlan, WeightReuse
from simulator.machines.lut_array.records import InputBlock, Layer, OutputBlock, OutputTile, Row


def loaded_for(plan: LayerPlan) -> WeightReuse:
    """Return how long weight tiles stay in the index buffer: the longest lifetime that fits.

    Raises:
        InputError: not even one weight tile fits.

    """
    kib = plan.hardware.memory.index_buffer.kib
    size = int(kib * 1024)
    if plan.weight_bytes + plan.subset_bytes <= size:
        return "layer"
    if plan.largest_block_bytes <= size:
        return "row"
    if plan.largest_chunk_bytes <= size:
        return "step"
    need = -(-100 * plan.largest_chunk_bytes // 1024) / 100
    raise InputError(
        f"memory.index_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least {need:g} KiB, "
        "for the weights of one output block and one input block"
    )


def fetched_for(plan: LayerPlan) -> WeightReuse:
    """Return how long indices stay in the registers: until the next step uses other indices."""
    if len(plan.group_units) > 1:
        return "step"
    return "row" if len(plan.blocks) > 1 else "layer"


def loads(layer: Layer, row: Row, tile: OutputTile) -> bool:
    """True if weight tiles come from DRAM for the steps of an output tile."""
    return _begins(layer.loaded_for, row, tile)


def fetches(layer: Layer, row: Row, tile: OutputTile) -> bool:
    """True if the steps of an output tile fetch indices into the registers."""
    return _begins(layer.fetched_for, row, tile)


def releases(layer: Layer, row: Row, tile: OutputTile) -> bool:
    """True if the steps of an output tile are the last that use their indices."""
    return _ends(layer.fetched_for, row, tile)


def frees(layer: Layer, row: Row, tile: OutputTile) -> bool:
    """True if the steps of an output tile are the last that read their weight tiles.

    The index fetch reads a weight tile once per lifetime in the registers: the tile's last read is
    the last fetch before its lifetime in the index buffer ends. The MAC unit has no registers and
    reads the tile in every step. Tiles that are loaded for every step are fetched for every step:
    with one input block, an output block is one tile, and the longer lifetime `row` fits, too.
    """
    if layer.mode == "mac" or layer.fetched_for == "step":
        return _ends(layer.loaded_for, row, tile)
    last_row = row.last or layer.loaded_for != "layer" or layer.fetched_for == "layer"
    return fetches(layer, row, tile) and last_row


def tile_bytes(
    layer: Layer, row: Row, block: OutputBlock, tile: OutputTile, input_block: InputBlock
) -> int:
    """Bytes of a weight tile in the index buffer, with the subset if the two were loaded together.

    The subset comes with the layer's first weight tile.
    """
    loaded_first = {
        "layer": block.first,
        "row": block.first and row.first,
        "step": tile.first,
    }[layer.loaded_for]
    with_subset = loaded_first and input_block.first
    return input_block.stored_bytes + (layer.subset_bytes if with_subset else 0)


def _begins(lifetime: WeightReuse, row: Row, tile: OutputTile) -> bool:
    """True if weight tiles begin a lifetime with an output tile."""
    if lifetime == "step":
        return True
    return tile.first_of_row and (lifetime == "row" or row.first)


def _ends(lifetime: WeightReuse, row: Row, tile: OutputTile) -> bool:
    """True if weight tiles end a lifetime with an output tile."""
    if lifetime == "step":
        return True
    return tile.last_of_row and (lifetime == "row" or row.last)
