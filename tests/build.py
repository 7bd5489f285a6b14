"""Builders of small layers, networks and hardware configurations."""

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from simulator.api.result import Result
from simulator.base.columns import Ints
from simulator.check.check import random_kernels
from simulator.engine import event
from simulator.engine.trace import Trace
from simulator.machines import Hardware, load_hardware
from simulator.machines.family import Mapping
from simulator.machines.lut_array.mapper import map_workload
from simulator.workload import Layer, Workload
from simulator.workload.kernels import KernelSet, id_type
from simulator.workload.sides import PerAxis, per_axis, sides
from simulator.workload.subsets import random_ids
from tests.numbering import Kind

INSTANT = {
    "memory.dram.latency_cycles": 0,
    "memory.dram.bytes_per_cycle": 1e9,
    "memory.index_buffer.bytes_per_cycle": 1e9,
}
"""Overrides of a memory that finishes any transfer within a cycle."""


def layer(
    channels_in: int,
    channels_out: int,
    height: int,
    width: int,
    *,
    kernel: PerAxis = 3,
    stride: PerAxis = 1,
    padding: PerAxis | None = None,
    dilation: PerAxis = 1,
    groups: int = 1,
    tau: int | None = None,
    full_precision: bool = False,
    name: str = "conv",
    stage: str = "stage",
) -> Layer:
    """A layer over an input map of height x width; the padding keeps the map of an odd kernel."""
    if padding is None:
        padding = per_axis(*(side // 2 for side in sides(kernel)))
    bare = Layer(
        name=name,
        stage=stage,
        in_channels=channels_in,
        out_channels=channels_out,
        in_height=height,
        in_width=width,
        out_height=1,
        out_width=1,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        full_precision=full_precision,
        tau=tau,
    )
    down, across = (
        (size + 2 * pad - extent) // step + 1
        for size, pad, extent, step in zip(
            (height, width), bare.paddings, bare.extents, bare.strides, strict=True
        )
    )
    return replace(bare, out_height=down, out_width=across)


def with_kernels(
    bare: Layer, indices: NDArray[Any], size: int | None = None, seed: int = 0
) -> Layer:
    """The layer with indices [out_channels, units] into a random subset of `size` kernels."""
    size = size or bare.subset_size
    ids = random_ids(np.random.default_rng(seed), bare.unit_weights, size)
    if bare.tau is None:
        ids = np.sort(ids)  # all kernels: an index is an id
    kernels = KernelSet(
        bare.unit_weights, ids.astype(id_type(bare.unit_weights)), indices.astype(np.uint16)
    )
    return replace(bare, kernels=kernels)


def with_random_kernels(bare: Layer, seed: int) -> Layer:
    """The layer with random kernels, at 1 bit the signs of random weights."""
    return replace(bare, kernels=random_kernels(bare, seed, 0))


def network(*layers: Layer, batch: int = 1, activation_bits: int = 1) -> Workload:
    """A workload of some layers."""
    return Workload(
        name="net",
        title="Net",
        input_height=layers[0].in_height,
        input_width=layers[0].in_width,
        layers=layers,
        ops_convention="main_paper",
        batch=batch,
        activation_bits=activation_bits,
    )


def machine(overrides: dict[str, Any] | None = None) -> Hardware:
    """cofluent64 with some overrides."""
    return load_hardware("cofluent64", [f"{k}={_yaml(v)}" for k, v in (overrides or {}).items()])


def _yaml(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def traced(workload: Workload, overrides: dict[str, Any] | None = None) -> tuple[Mapping, Trace]:
    """Map a workload and run it with the event engine."""
    mapping = map_workload(workload, machine(overrides))
    return mapping, trace_of(mapping)


def trace_of(mapping: Mapping) -> Trace:
    """Run a mapping with the event engine."""
    return event.run(mapping.program)


def times(trace: Trace, kind: Kind, of_layer: int = 0) -> list[tuple[int, int]]:
    """(start, end) of every command of a kind in one layer."""
    chosen = (trace.kind == kind) & (trace.layer == of_layer)
    return list(zip(trace.start[chosen].tolist(), trace.end[chosen].tolist(), strict=True))


def of_kind(trace: Trace, kind: Kind, values: Ints) -> Ints:
    """The column's values for every command of a kind."""
    return values[trace.kind == kind]


def without_trace(result: Result) -> Result:
    """Return the same result, but fail if something makes a trace."""

    def refuse() -> NoReturn:
        raise AssertionError("a trace is made")

    run, baseline = (replace(one, make_trace=refuse) for one in (result.run, result.baseline))
    return replace(result, run=run, baseline=baseline)
