"""The layers whose writes make up each map of a network."""

from simulator.machines.vector.fusion import Fusion
from simulator.workload.vector_layer import sources


def writers_of(fusion: Fusion) -> dict[str, tuple[str, ...]]:
    """Return the names of the layers that write each map to DRAM, by the map's layer.

    A layer with weights writes the map of the last layer that is fused into it. A fused
    concatenation has the maps that it joins. Nothing writes `input`, the image.

    Args:
        fusion: the maps of a network, and the layers that are fused.

    """
    last = {one.name: name for name, chain in fusion.chains.items() for one in chain}
    found: dict[str, tuple[str, ...]] = {"input": ("input",)}
    for name, layer in fusion.maps.layers.items():
        if name in last:
            found[name] = (last[name],)
        elif name in fusion.fused:
            found[name] = tuple(one for source in sources(layer) for one in found[source])
        else:
            found[name] = (name,)
    return found
