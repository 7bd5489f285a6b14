"""Reasons why a changed key of the vector unit has no effect."""

from collections.abc import Sequence
from typing import Any

from simulator.machines.family import Mapping
from simulator.machines.vector.mapped import MappedVector
from simulator.machines.vector.vocabulary import VECTOR_UNIT
from simulator.workload.vector_layer import MOVES

_KINDS = {
    "vector.cycles.norm": {"norm"},
    "vector.cycles.activation": {"activation"},
    "vector.cycles.add": {"add"},
    "vector.cycles.pool": {"max_pool", "average_pool", "regions"},
}
"""The kinds of layers that an operation serves, by the key of its cycles."""


def why_no_effect(key: str, mappings: Sequence[Mapping[Any]]) -> str | None:
    """Return why a key of the vector unit changes no cycles, as a clause; None: no known reason.

    Args:
        key: the key.
        mappings: the mappings at both values.

    """
    if not key.startswith("vector."):
        return None
    if all(VECTOR_UNIT not in mapping.program.units for mapping in mappings):
        return "the run has only layers with weights (--scope network adds the others)"
    layers = [x for mapping in mappings for x in mapping.layers if isinstance(x, MappedVector)]
    if not layers:
        return "the network has no layer without weights"
    lanes = [mapping.hardware.vector for mapping in mappings]
    widest = max(layer.work.bits for layer in layers)
    if key == "vector.bits" and len({unit.passes(widest) for unit in lanes if unit}) == 1:
        return f"values of {widest} bits fit in a lane at both values"
    return _of_kinds(key, layers)


def _of_kinds(key: str, layers: list[MappedVector]) -> str | None:
    """Return a reason that follows from the kinds of the layers; None: no such reason."""
    if key == "vector.fused" and not any(layer.fused for layer in layers):
        return "no layer is fused at either value"
    if key in _KINDS and all(layer.layer.kind not in _KINDS[key] for layer in layers):
        return f"the network has no layer of kind {' or '.join(sorted(_KINDS[key]))}"
    moves = [layer for layer in layers if layer.layer.kind in MOVES]
    if key == "vector.cycles.move" and all(layer.fused for layer in moves):
        return "no layer moves values"
    return None
