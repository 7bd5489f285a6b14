"""Kinds of layers by their place in a network, for the shares of a whole network's time."""

from typing import Literal, get_args

from simulator.workload import Workload
from simulator.workload.layer import Layer
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

Kind = Literal["binary", "first", "downsample", "last", "vector"]
"""The kinds.

- `first`: the layer that reads the image
- `binary`: all other binary layers
- `last`: layers in full precision on which no binary layer depends: the classifier, a detector's
  heads
- `downsample`: all other layers in full precision, which are the downsample layers in ResNets
- `vector`: layers without weights
"""
KINDS: tuple[Kind, ...] = get_args(Kind)


def kinds_of(workload: Workload) -> dict[str, Kind]:
    """Return the kind of every layer of a network by name."""
    every: tuple[AnyLayer, ...] = (*workload.layers, *workload.vector_layers)
    layers = {layer.name: layer for layer in every}
    before = _before_binary(workload, layers)
    return {name: _kind(layer, before) for name, layer in layers.items()}


def _before_binary(workload: Workload, layers: dict[str, AnyLayer]) -> set[str]:
    """Names of the maps on which a binary layer depends."""
    found: set[str] = set()
    left = [source for layer in workload.binary_layers for source in sources(layer)]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += sources(layers[name]) if name in layers else ()
    return found


def _kind(layer: AnyLayer, before: set[str]) -> Kind:
    if isinstance(layer, VectorLayer):
        return "vector"
    return _kind_with_weights(layer, before)


def _kind_with_weights(layer: Layer, before: set[str]) -> Kind:
    if layer.reads == "input":
        return "first"
    if not layer.full_precision:
        return "binary"
    return "downsample" if layer.name in before else "last"
