"""Names of groups, and layers that a format cannot hold."""

from dataclasses import dataclass

from simulator.workload.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A layer that a file does not hold."""

    layer: str
    reason: str


def group_names(layer: Layer) -> list[str]:
    """One name per convolution group; the layer's own if it has one group."""
    if layer.groups == 1:
        return [layer.name]
    return [f"{layer.name}.group{number}" for number in range(layer.groups)]
