"""Random small networks with layers that have no weights."""

from pathlib import Path
from typing import Any

import hypothesis.strategies as st

from simulator.workload import Workload, configure
from simulator.workload.network import network_from

Shape = tuple[int, int, int]
"""Channels, height and width of a map."""
_KINDS = ("conv", "conv", "norm", "norm", "activation", "add", "add", "pool", "concat", "shuffle")


@st.composite
def whole_networks(draw: st.DrawFn) -> Workload:
    """A network in scope `network`; an entry reads one of the two before it, and others."""
    image = (draw(st.integers(1, 4)), draw(st.integers(3, 7)), draw(st.integers(3, 7)))
    first, shape = _entry(draw, "conv", image, {})
    layers, shapes = [{"name": "n0", **first}], {"n0": shape}
    for number in range(1, draw(st.integers(2, 9))):
        source = draw(st.sampled_from([*shapes][-2:]))
        entry, shape = _entry(draw, draw(st.sampled_from(_KINDS)), shapes[source], shapes)
        layers.append({"name": f"n{number}", "from": source, **entry})
        shapes[f"n{number}"] = shape
    if draw(st.booleans()):
        layers.append({"name": "end", "type": "global_pool"})
        layers.append({"name": "fc", "type": "linear", "precision": "full", "out_features": 5})
    data = {
        "name": "random",
        "title": "Random",
        "ops_convention": "main_paper",
        "input": dict(zip(("channels", "height", "width"), image, strict=True)),
        "layers": layers,
    }
    network = network_from(data, Path("random.yaml"))
    binary = any(layer.get("precision") == "binary" for layer in layers)
    bits = draw(st.sampled_from([1, 32])) if binary else 32
    return configure(network, bits=bits, scope="network", batch=draw(st.sampled_from([1, 1, 2])))


def _entry(
    draw: st.DrawFn, kind: str, shape: Shape, shapes: dict[str, Shape]
) -> tuple[dict[str, Any], Shape]:
    """An entry that reads a map of some shape, and the shape of its own map."""
    channels, *sizes = shape
    entry: dict[str, Any] = {"type": kind}
    if kind in {"conv", "pool"}:
        kernel = draw(st.sampled_from([1, 3]))
        entry |= {"kernel": kernel, "stride": draw(st.integers(1, 2)), "padding": kernel // 2}
        sizes = [(n + 2 * (kernel // 2) - kernel) // entry["stride"] + 1 for n in sizes]
    if kind == "conv":
        precision = draw(st.sampled_from(["binary", "full"]))
        channels = draw(st.sampled_from([2, 4, 9]))
        entry |= {"precision": precision, "out_channels": channels}
    if kind == "pool":
        entry["mode"] = draw(st.sampled_from(["max", "average"]))
    if kind == "add":
        entry["other"] = draw(st.sampled_from([x for x, s in shapes.items() if s == shape]))
    if kind == "concat":
        like = [name for name, (_, *other) in shapes.items() if other == sizes]
        entry["others"] = [draw(st.sampled_from(like))]
        channels += shapes[entry["others"][0]][0]
    if kind == "shuffle":
        entry["groups"] = channels
    height, width = sizes
    return entry, (channels, height, width)
