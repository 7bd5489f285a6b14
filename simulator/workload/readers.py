"""Activation bits along a network: a layer writes the bits that its readers read."""

from collections.abc import Sequence

from msgspec import UNSET

from simulator.workload import schema


def output_bits(nodes: Sequence[schema.Node]) -> dict[str, int]:
    """Return the bits of the outputs of layers whose readers have `activation_bits`.

    Pooling, additions and concatenations pass the bits on. With several readers, the widest counts.

    Args:
        nodes: the entries of a network, which read earlier entries or the image.

    """
    writers: dict[str, frozenset[str]] = {}
    """The layers whose outputs arrive at the end of an entry."""
    bits: dict[str, int] = {}
    previous = "input"
    for node in nodes:
        sources = [node.source or previous, *_others(node)]
        if isinstance(node, schema.Conv | schema.Linear) and node.input is not UNSET:
            sources = []  # its input map has an unknown producer
        arriving = frozenset().union(*(writers.get(name, frozenset()) for name in sources))
        writers[node.name] = arriving
        if isinstance(node, schema.Conv | schema.Linear):
            writers[node.name] = frozenset({node.name})
            if (width := own_bits(node)) is not None:
                bits |= {writer: max(width, bits.get(writer, 0)) for writer in arriving}
        previous = node.name
    return bits


def own_bits(node: schema.Conv | schema.Linear) -> int | None:
    """The bits per activation that a layer of a network file asks for, if any."""
    return None if node.activation_bits is UNSET else node.activation_bits


def _others(node: schema.Node) -> list[str]:
    if isinstance(node, schema.Concat):
        return list(node.others)
    return [node.other] if isinstance(node, schema.Add) else []
