"""Random small networks on random pipelines."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import assume
from msgspec import structs

from simulator.base.errors import InputError
from simulator.machines.loading import hardware_from, read_hardware
from simulator.machines.streaming.build import Pipeline
from simulator.machines.streaming.mapper import built_with_joins, program_of_pipeline
from simulator.machines.streaming.network import Network
from simulator.machines.streaming.schema import Fifos, Fold, Streaming
from simulator.machines.streaming.shapes import Shape, divisors
from simulator.program import Program
from simulator.workload import Workload, configure
from simulator.workload.network import network_from
from simulator.workload.vector_layer import sources

Entry = dict[str, Any]
Size = tuple[int, int, int]
"""Channels, height and width."""
NO_LIMIT = 10**6
"""A rule that any fold follows."""


@dataclass(frozen=True)
class Case:
    """A network on a pipeline."""

    workload: Workload
    hardware: Streaming

    @property
    def network(self) -> Network:
        """The network as a pipeline."""
        return Network(self.workload, self.hardware)

    @property
    def built(self) -> Pipeline:
        """Its units and FIFOs."""
        return built_with_joins(self.network)

    def with_fifos(self, **keys: Any) -> "Case":
        """Return the case with other FIFOs."""
        fifos = structs.replace(self.hardware.fifos, **keys)
        return Case(self.workload, structs.replace(self.hardware, fifos=fifos))


def program_of(case: Case, built: Pipeline) -> Program:
    """The program of a case."""
    return program_of_pipeline(built, case.workload, case.hardware)


def machine(**keys: Any) -> Streaming:
    """A pipeline whose DRAM has no latency, with some sections replaced."""
    whole = hardware_from(read_hardware("streaming-r18"), {"folding.cycles": NO_LIMIT}, "a test")
    assert isinstance(whole, Streaming)
    return structs.replace(whole, **keys)


def network_of(entries: list[Entry], size: Size, **options: Any) -> Workload:
    """A network of these entries over an image."""
    channels, height, width = size
    file = {
        "name": "net",
        "title": "Net",
        "ops_convention": "main_paper",
        "shortcut_bits": 16,
        "input": {"channels": channels, "height": height, "width": width},
        "layers": entries,
    }
    return configure(network_from(file, Path("net.yaml")), scope="network", **options)


@dataclass
class _Drawn:
    """The entries of a network so far, one after another."""

    draw: st.DrawFn
    size: Size
    joins: bool
    entries: list[Entry] = field(default_factory=list)

    @property
    def last(self) -> str:
        """The name of the last layer."""
        return self.entries[-1]["name"] if self.entries else "input"

    def add(self, kind: str, size: Size, **fields: Any) -> None:
        """Add an entry whose output has a size."""
        self.entries.append({"name": f"{kind}{len(self.entries)}", "type": kind, **fields})
        self.size = size

    def conv(self) -> None:
        """Add a convolution of any stride, padding, and dilation."""
        channels, *area = self.size
        kernel = [self.draw(st.integers(1, min(3, side))) for side in area]
        stride = [self.draw(st.integers(1, 3)) for _ in area]
        padding = [self.draw(st.integers(0, side // 2)) for side in kernel]
        dilation = [
            self.draw(st.integers(1, 2)) if 2 * (side - 1) < n else 1
            for side, n in zip(kernel, area, strict=True)
        ]
        groups = self.draw(st.sampled_from([1, 1, *divisors(channels)]))
        outputs = groups * self.draw(st.integers(1, 4))
        out = [
            (n + 2 * pad - (side - 1) * gap - 1) // step + 1
            for n, side, step, pad, gap in zip(area, kernel, stride, padding, dilation, strict=True)
        ]
        fields = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        self.add(
            "conv", (outputs, out[0], out[1]), out_channels=outputs, groups=groups, **fields,
            **self._precision(),
        )  # fmt: skip
        self._thresholds()

    def _precision(self) -> Entry:
        if self.draw(st.sampled_from([False, False, True])):
            return {"precision": "full"}
        return {"precision": "binary", "activation_bits": self.draw(st.sampled_from([1, 2, 4, 8]))}

    def _thresholds(self) -> None:
        for kind in self.draw(st.lists(st.sampled_from(["norm", "activation"]), max_size=2)):
            self.add(kind, self.size)

    def pool(self) -> None:
        """Add pooling over blocks, windows, or the whole map."""
        channels, *area = self.size
        kernel = [self.draw(st.integers(1, min(3, side))) for side in area]
        stride = (
            kernel if self.draw(st.booleans()) else [self.draw(st.integers(1, 3)) for _ in area]
        )
        padding = [self.draw(st.integers(0, side // 2)) for side in kernel]
        out = [
            (n + 2 * pad - side) // step + 1
            for n, side, step, pad in zip(area, kernel, stride, padding, strict=True)
        ]
        mode = self.draw(st.sampled_from(["max", "average"]))
        fields = {"kernel": kernel, "stride": stride, "padding": padding, "mode": mode}
        self.add("pool", (channels, out[0], out[1]), **fields)

    def join(self) -> None:
        """Add a convolution around which its input goes, and an addition or a concatenation."""
        if not self.entries or not self.joins:
            return
        source, (channels, *area) = self.last, self.size
        fields = {"out_channels": channels, "kernel": 3, "padding": 1, **self._precision()}
        self.add("conv", self.size, **fields)
        self._thresholds()
        if self.draw(st.booleans()):
            self.add("add", self.size, other=source)
        else:
            self.add("concat", (2 * channels, area[0], area[1]), others=[source])

    def norm(self) -> None:
        """Add a normalization."""
        self.add("norm", self.size)

    def shuffle(self) -> None:
        """Add a shuffle of channels."""
        if self.entries:
            self.add(
                "shuffle", self.size, groups=self.draw(st.sampled_from(divisors(self.size[0])))
            )

    def end(self) -> None:
        """Add a linear layer, maybe behind pooling over the whole map."""
        if self.draw(st.booleans()):
            self.add("global_pool", (self.size[0], 1, 1))
        features = self.draw(st.integers(1, 6))
        self.add("linear", (features, 1, 1), out_features=features, **self._precision())


_KINDS = ("conv", "conv", "pool", "join", "join", "norm", "shuffle")


@st.composite
def cases(draw: st.DrawFn, *, joins: bool = True) -> Case:
    """A network on a pipeline; joins only in flushing loops."""
    side = st.integers(2, 6)
    size = (draw(st.sampled_from([1, 2, 3, 8])), draw(side), draw(side))
    drawn = _Drawn(draw, size, joins)
    drawn.conv()
    for kind in draw(st.lists(st.sampled_from(_KINDS), max_size=4)):
        getattr(drawn, kind)()
    if draw(st.booleans()):
        drawn.end()
    try:
        workload = network_of(
            drawn.entries, size, batch=draw(st.integers(1, 3)), tau=draw(st.sampled_from([None, 3]))
        )
    except InputError:
        assume(False)
        raise
    return Case(workload, draw(_machines(workload, joins=joins)))


@st.composite
def _machines(draw: st.DrawFn, workload: Workload, *, joins: bool) -> Streaming:
    """A pipeline for a network: folds by rule and by layer, FIFOs, streamed weights."""
    plain = machine(shared_kernels=draw(st.sampled_from(["lut", "lut", "expanded"])))
    shapes = Network(workload, plain).shapes()
    folds = {shape.name: draw(_folds(shape)) for shape in shapes if draw(st.booleans())}
    chosen = [shape.name for shape in shapes if draw(st.sampled_from([False, False, True]))]
    joining = {shape.name for shape in shapes if len({*sources(shape.layer)}) > 1}
    fifos = Fifos(
        depth=draw(st.integers(1, 4)),
        depths={name: draw(st.integers(1, 9)) for name in chosen if name not in joining},
        widths={name: draw(st.integers(1, 70)) for name in chosen},
    )
    weights = draw(st.sampled_from(["on_chip", "on_chip", "streamed"]))
    return structs.replace(
        plain,
        folding=structs.replace(plain.folding, layers=folds),
        fifos=fifos,
        memory=structs.replace(plain.memory, weights=weights),
        loop_style="flushing" if joins else draw(st.sampled_from(["flushing", "stalling"])),
    )


@st.composite
def _folds(draw: st.DrawFn, shape: Shape) -> Fold:
    return Fold(
        pe=draw(st.sampled_from(divisors(shape.most_pe))),
        simd=draw(st.sampled_from(shape.simd_options)),
        dots=draw(st.sampled_from(divisors(shape.most_dots))),
    )
