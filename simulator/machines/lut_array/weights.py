"""The policy for weights: the lifetime of a weight tile on chip, and the steps that move it.

A weight tile has two lifetimes, in the index buffer and in the PEs' index registers. Each is one
of these:

- `layer`: it stays until its last use in the layer.
- `row`: it stays while its output block passes along a row of output, and returns in the next row.
- `step`: it returns for every step.
"""

from functools import lru_cache
from typing import NamedTuple

from simulator.base.errors import InputError
from simulator.machines.lut_array.alike import Ends
from simulator.machines.lut_array.plan import LayerPlan, Mode, WeightReuse
from simulator.machines.lut_array.records import TileWeights


def loaded_for(plan: LayerPlan) -> WeightReuse:
    """Return the lifetime of weight tiles in the index buffer: the longest that fits.

    Raises:
        InputError: not even one weight tile fits.

    """
    kib, size = plan.hardware.memory.index_buffer.kib, plan.index_buffer_bytes
    if plan.weight_bytes + plan.subset_bytes <= size:
        return "layer"
    if plan.largest_block_bytes <= size:
        return "row"
    if plan.largest_tile_bytes <= size:
        return "step"
    need = -(-100 * plan.largest_tile_bytes // 1024) / 100
    smallest = "one kernel row of one input channel" if plan.is_cut else "one input block"
    raise InputError(
        f"memory.index_buffer.kib is {kib:g}: layer {plan.layer.name} needs at least {need:g} KiB, "
        f"for the weights of one output block and {smallest}"
    )


def fetched_for(plan: LayerPlan) -> WeightReuse:
    """Return the lifetime of indices in the registers: until the next step uses others."""
    if len(plan.group_units) > 1:
        return "step"
    return "row" if len(plan.blocks) > 1 else "layer"


class Lifetimes(NamedTuple):
    """The lifetimes of weight tiles on chip."""

    loaded_for: WeightReuse
    """Lifetime in the index buffer."""
    fetched_for: WeightReuse
    """Lifetime in the index registers."""
    mode: Mode


class Place(NamedTuple):
    """The position of an output tile among those of its layer."""

    row: Ends
    """The position of its row among the layer's rows."""
    first_block: bool
    """True if the tile is in the layer's first output block."""
    first_of_row: bool
    """True if the tile is the first of its row and output block."""
    last_of_row: bool


@lru_cache(maxsize=1024)
def tile_weights(lifetimes: Lifetimes, place: Place) -> TileWeights:
    """Return the effects of an output tile's steps on weight tiles.

    The index fetch reads a weight tile once per lifetime in the registers. The tile's last read is
    therefore the last fetch before its lifetime in the index buffer ends. The MAC unit has no
    registers and reads the tile in every step. If every step loads tiles, every step also fetches
    them. Reason: with one input block, an output block is one tile, and the longer lifetime `row`
    fits, too.

    The subset comes with the layer's first weight tile.
    """
    loaded_for, fetched_for, mode = lifetimes
    fetches = _begins(fetched_for, place)
    if mode == "mac" or fetched_for == "step":
        frees = _ends(loaded_for, place)
    else:
        frees = fetches and (place.row.last or loaded_for != "layer" or fetched_for == "layer")
    first_loaded = {
        "layer": place.first_block,
        "row": place.first_block and place.row.first,
        "step": place.first_block and place.row.first and place.first_of_row,
    }
    return TileWeights(
        loads=_begins(loaded_for, place),
        fetches=fetches,
        releases=_ends(fetched_for, place),
        frees=frees,
        with_subset=first_loaded[loaded_for],
    )


def _begins(lifetime: WeightReuse, place: Place) -> bool:
    """True if weight tiles begin a lifetime with an output tile."""
    if lifetime == "step":
        return True
    return place.first_of_row and (lifetime == "row" or place.row.first)


def _ends(lifetime: WeightReuse, place: Place) -> bool:
    """True if weight tiles end a lifetime with an output tile."""
    if lifetime == "step":
        return True
    return place.last_of_row and (lifetime == "row" or place.row.last)
