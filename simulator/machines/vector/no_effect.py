"""Reasons why a changed key of the vector unit has no effect."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from simulator.machines.family import Change
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.on_chip import WHY_NETWORK_ONLY
from simulator.machines.vector.vocabulary import VECTOR_UNIT

SECTION = "vector"
MAPS = "memory.activations"
_KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "norm": frozenset({"norm"}),
        "activation": frozenset({"activation"}),
        "add": frozenset({"add"}),
        "pool": frozenset({"max_pool", "average_pool", "regions"}),
        "move": frozenset({"concat", "shuffle"}),
    }
)
"""The layers with each operation, by its key of `vector.cycles`."""


def why_no_effect(change: Change[Any]) -> str | None:
    """Return the reason why a key of the vector unit changes no cycle, as a clause.

    Args:
        change: the change of a key.

    Returns:
        None if the key belongs to another unit, or if other units hide the change.

    """
    section, _, name = change.key.partition(".")
    if section != SECTION:
        return _of_maps(change) if change.key == MAPS else None
    mapping = change.after[0].mapping
    if VECTOR_UNIT not in mapping.program.units:
        return "the vector unit runs only in scope network (--scope network)"
    mapped = [one for one in mapping.layers if isinstance(one, MappedVector)]
    if not mapped:
        return "all layers of the network have weights"
    if name == "fused":
        before = change.before[0].mapping.layers
        fused = any(one.mode == "fused" for one in (*mapping.layers, *before))
        return None if fused else "no vector layer can be fused"
    if name == "bits":
        return "every value takes the same number of passes at both values"
    return _of_operation(name.removeprefix("cycles."), mapped)


def _of_maps(change: Change[Any]) -> str | None:
    """Return a reason why the place of maps has no effect."""
    mapping = change.after[0].mapping
    if VECTOR_UNIT not in mapping.program.units:
        return WHY_NETWORK_ONLY
    runs = (*change.before, *change.after)
    if not any(one.plan.on_chip.space for run in runs for one in run.mapping.layers):
        return "no map fits on chip together with the data of its layers"
    return None


def _of_operation(operation: str, mapped: Sequence[MappedVector]) -> str | None:
    """Return a reason if no layer has an operation."""
    if operation == "quantize":
        narrow = any(bits < one.work.bits for one in mapped for bits in one.plan.copies)
        return None if narrow else "no layer writes values in fewer bits than it computes them"
    if operation not in _KINDS:
        return None
    found = [one for one in mapped if one.layer.kind in _KINDS[operation]]
    if not found:
        return "no layer has this operation"
    if operation == "move" and all(one.fused for one in found):
        return "layers write values to the places at which their readers read them"
    if operation == "norm" and not any(one.work.multiplications for one in found):
        return "thresholds replace all normalizations"
    return None
