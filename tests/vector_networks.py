"""Random small networks of all kinds of layers, with the edges between them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import assume

from simulator.base.errors import InputError
from simulator.workload import Workload, configure
from simulator.workload.network import network_from

Entry = dict[str, Any]
Shape = tuple[int, int, int]
"""Channels, height and width."""

_KINDS = (
    "conv", "conv", "residual", "residual", "norm", "activation", "add", "pool", "concat",
    "shuffle",
)  # fmt: skip


@dataclass
class _Drawn:
    """The entries of a network so far."""

    draw: st.DrawFn
    shapes: dict[str, Shape]
    entries: list[Entry] = field(default_factory=list)

    def add(self, kind: str) -> None:
        """Add an entry that reads an earlier map, most often the last."""
        names = list(self.shapes)
        source = self.draw(st.sampled_from([*names, *[names[-1]] * 3]))
        if kind == "residual":
            self._residual(source)
            return
        made = getattr(self, f"_{kind}")(source)
        if made is not None:
            self._append(kind, source, *made)

    def _append(self, kind: str, source: str, fields: Entry, shape: Shape) -> None:
        name, last = f"{kind}{len(self.entries)}", [*self.shapes][-1]
        given = {} if self.entries and source == last else {"from": source}
        self.entries.append({"name": name, "type": kind, **given, **fields})
        self.shapes[name] = shape

    def _residual(self, source: str) -> None:
        """Add a convolution of a map, and the sum of both."""
        channels, height, width = self.shapes[source]
        if source == "input":
            return
        groups = self.draw(st.sampled_from([1, 1, 2])) if channels % 2 == 0 else 1
        fields = {
            "precision": self.draw(st.sampled_from(["binary", "binary", "full"])),
            "out_channels": channels,
            "kernel": 3,
            "padding": 1,
            "groups": groups,
        }
        self._append("conv", source, fields, (channels, height, width))
        for kind in self.draw(st.lists(st.sampled_from(["norm", "activation"]), max_size=2)):
            self._append(kind, [*self.shapes][-1], {}, (channels, height, width))
        self._append("add", [*self.shapes][-1], {"other": source}, (channels, height, width))

    def _conv(self, source: str) -> tuple[Entry, Shape]:
        channels, height, width = self.shapes[source]
        kernel = self.draw(st.sampled_from([1, 3]))
        stride, padding = self.draw(st.integers(1, 2)), kernel // 2
        groups = self.draw(st.sampled_from([1, 1, 2])) if channels % 2 == 0 else 1
        outputs = groups * self.draw(st.integers(1, 12))
        same = [shape[0] for shape in self.shapes.values() if shape[0] % groups == 0]
        if self.draw(st.booleans()):
            outputs = self.draw(st.sampled_from(same))
        fields = {
            "precision": self.draw(st.sampled_from(["binary", "binary", "full"])),
            "out_channels": outputs,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "groups": groups,
        }
        high, wide = ((n + 2 * padding - kernel) // stride + 1 for n in (height, width))
        return fields, (outputs, high, wide)

    def _norm(self, source: str) -> tuple[Entry, Shape]:
        return {}, self.shapes[source]

    _activation = _norm

    def _add(self, source: str) -> tuple[Entry, Shape] | None:
        others = [x for x, shape in self.shapes.items() if shape == self.shapes[source]]
        others = [x for x in others if x != "input"]
        if not others or source == "input":
            return None
        return {"other": self.draw(st.sampled_from(others))}, self.shapes[source]

    def _pool(self, source: str) -> tuple[Entry, Shape] | None:
        channels, height, width = self.shapes[source]
        kernel = self.draw(st.integers(1, 3))
        stride, padding = self.draw(st.integers(1, 4)), self.draw(st.integers(0, kernel // 2))
        high, wide = ((n + 2 * padding - kernel) // stride + 1 for n in (height, width))
        if min(high, wide) < 1:
            return None
        mode = self.draw(st.sampled_from(["max", "average"]))
        fields = {"kernel": kernel, "stride": stride, "padding": padding, "mode": mode}
        return fields, (channels, high, wide)

    def _concat(self, source: str) -> tuple[Entry, Shape] | None:
        _, *size = self.shapes[source]
        others = [x for x, (_, *other) in self.shapes.items() if other == size and x != "input"]
        if not others or source == "input":
            return None
        chosen = self.draw(st.lists(st.sampled_from(others), min_size=1, max_size=2))
        channels = sum(self.shapes[name][0] for name in (source, *chosen))
        return {"others": chosen}, (channels, *size)

    def _shuffle(self, source: str) -> tuple[Entry, Shape] | None:
        shape = self.shapes[source]
        return ({"groups": 2}, shape) if shape[0] % 2 == 0 else None

    def _global_pool(self, source: str) -> tuple[Entry, Shape]:
        return {}, (self.shapes[source][0], 1, 1)

    def _linear(self, _source: str) -> tuple[Entry, Shape]:
        features = self.draw(st.integers(1, 9))
        precision = self.draw(st.sampled_from(["binary", "full"]))
        return {"precision": precision, "out_features": features}, (features, 1, 1)


@st.composite
def network_files(draw: st.DrawFn) -> Entry:
    """The contents of a network file."""
    size = st.integers(2, 6)
    shape = (draw(st.sampled_from([1, 3, 8])), draw(size), draw(size))
    drawn = _Drawn(draw, {"input": shape})
    drawn.add("conv")
    for kind in draw(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=7)):
        drawn.add(kind)
    if draw(st.booleans()):
        for kind in ("global_pool", "linear"):
            drawn.add(kind)
    channels, height, width = shape
    return {
        "name": "net",
        "title": "Net",
        "ops_convention": "main_paper",
        "shortcut_bits": draw(st.sampled_from([4, 8, 16])),
        "input": {"channels": channels, "height": height, "width": width},
        "layers": drawn.entries,
    }


@st.composite
def whole_networks(draw: st.DrawFn) -> Workload:
    """A configured network in scope `network`."""
    file = draw(network_files())
    return configured(
        file,
        batch=draw(st.integers(1, 2)),
        tau=draw(st.sampled_from([None, 2, 5])),
        activation_bits=draw(st.sampled_from([None, None, 2])),
    )


def configured(file: Entry, **options: Any) -> Workload:
    """Configure the network of a file; leave out the examples without binary layers."""
    try:
        return configure(network_from(file, Path("net.yaml")), scope="network", **options)
    except InputError:
        assume(False)
        raise


def conv(name: str, channels: int = 16, **fields: Any) -> dict[str, Any]:
    given = {"type": "conv", "precision": "binary", "kernel": 3, "padding": 1}
    return {"name": name, "out_channels": channels, **given, **fields}


def net(*entries: dict[str, Any], **options: Any) -> Workload:
    """A network of these entries over an image of 16 channels and 4x6 pixels."""
    file = {
        "name": "net", "title": "Net", "ops_convention": "main_paper",
        "input": {"channels": 16, "height": 4, "width": 6}, "layers": list(entries),
    }  # fmt: skip
    return configure(network_from(file, Path("net.yaml")), scope="network", **options)
