"""The limit on the sizes of maps, for networks from every kind of file."""

from collections.abc import Iterable

from simulator.base.errors import InputError
from simulator.workload.layer import Layer
from simulator.workload.vector_layer import AnyLayer, VectorLayer

MOST_PIXELS = 1 << 25
"""Pixels of a layer's input or output, for one image of the network. An 8K frame has 33,177,600.

Planning a layer takes time and memory in proportion to its pixels, up to 30 bytes for each.
"""


def require_sizes(layers: Iterable[AnyLayer]) -> None:
    """Raise InputError if a map of a layer has more than `MOST_PIXELS` pixels."""
    for layer in layers:
        for what, (images, height, width) in _maps(layer).items():
            pixels = images * height * width
            if pixels > MOST_PIXELS:
                size = f"{images} maps of {height}x{width}" if images > 1 else f"{height}x{width}"
                raise InputError(
                    f"layer {layer.name!r}: its {what} has {pixels:,} pixels ({size}); the limit "
                    f"is {MOST_PIXELS:,}; use a smaller input, padding, or number of regions"
                )


def _maps(layer: AnyLayer) -> dict[str, tuple[int, int, int]]:
    """Images, rows and columns of the input and the output; regions have no input of their own."""
    output = (layer.images, layer.out_height, layer.out_width)
    if isinstance(layer, VectorLayer) and layer.kind == "regions":
        return {"output": output}
    images = layer.images if isinstance(layer, Layer) else 1
    return {"input": (images, layer.in_height, layer.in_width), "output": output}
