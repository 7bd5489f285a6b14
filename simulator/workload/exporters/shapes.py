"""Names of groups, and layers that a format cannot express."""

from dataclasses import dataclass

from simulator.workload.layer import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A layer that is not in the file, with the reason."""

    layer: str
    reason: str


def group_names(layer: Layer) -> list[str]:
    """Return one name per convolution group; a layer with one group keeps its name."""
    if layer.groups == 1:
        return [layer.name]
    return [f"{layer.name}.group{number}" for number in range(layer.groups)]
