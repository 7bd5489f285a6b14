"""Activation bits along a network: a layer writes the bits that its readers read."""

from collections.abc import Sequence

from msgspec import UNSET

from simulator.workload import schema


def output_bits(nodes: Sequence[schema.Node]) -> dict[str, int]:
    """Return the bits of the outputs of entries whose readers have `activation_bits`.

    Pooling, additions and concatenations pass the bits on. With several readers, the widest counts.

    Args:
        nodes: the entries of a network, which read earlier entries or the image.

    """
    asked: dict[str, int] = {}
    """The bits that later entries read of an entry's output, through the entries between."""
    previous = ["input", *(node.name for node in nodes[:-1])]
    for node, before in zip(reversed(nodes), reversed(previous), strict=True):
        sources, bits = [node.source or before, *others(node)], asked.get(node.name)
        if isinstance(node, schema.Conv | schema.Linear):
            bits = own_bits(node)
            sources = sources if node.input is UNSET else []  # an input map of unknown producer
        if bits is not None:
            asked |= {name: max(bits, asked.get(name, 0)) for name in sources}
    return asked


def own_bits(node: schema.Conv | schema.Linear) -> int | None:
    """The bits per activation that a layer of a network file asks for, if any."""
    return None if node.activation_bits is UNSET else node.activation_bits


def others(node: schema.Node) -> list[str]:
    """The names of the entries that an entry reads after the first."""
    if isinstance(node, schema.Concat):
        return list(node.others)
    return [node.other] if isinstance(node, schema.Add) else []
