"""Operands for which an array is sized: the widest of the binary layers of a run."""

from collections.abc import Iterable

from simulator.machines.family import MappedLayer
from simulator.workload import Layer


def widest_activation(layers: Iterable[MappedLayer]) -> int:
    """Return the most bits per activation that a binary layer reads; 1 without binary layers."""
    return max((one.activation_bits for one in layers if _is_binary(one)), default=1)


def largest_kernel(layers: Iterable[MappedLayer]) -> int:
    """Return the most weights of a binary kernel or vector; 1 without binary layers."""
    sizes = (one.layer.unit_weights for one in layers if _is_binary(one))  # type: ignore[union-attr] # binary layers have weights
    return max(sizes, default=1)


def _is_binary(mapped: MappedLayer) -> bool:
    return isinstance(mapped.layer, Layer) and not mapped.layer.full_precision
