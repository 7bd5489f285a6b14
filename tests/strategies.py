"""Random layers, networks and hardware configurations."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis import assume

from simulator.analysis.run import Run
from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.machines.family import Mapping
from simulator.machines.lut_array.mapper import map_workload
from simulator.workload import Layer, Workload
from simulator.workload.sides import PerAxis, per_axis, sides
from tests.build import layer, machine, network, with_random_kernels

Overrides = dict[str, Any]
KERNELS: list[PerAxis] = [1, 1, 3, 3, 3, 2, 5, 7, (1, 7), (7, 1), (2, 3)]


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    kernel = draw(st.sampled_from(KERNELS))
    dilation = draw(st.sampled_from([1, 1, 1, (1, 2), 2]))
    least = [
        step * (size - 1) // 2 + step * (size - 1) % 2
        for step, size in zip(sides(dilation), sides(kernel), strict=True)
    ]
    groups = draw(st.sampled_from([1, 1, 1, 2]))
    full = draw(st.sampled_from([False, False, False, True]))
    bare = layer(
        groups * draw(st.integers(1, 40)),
        groups * draw(st.integers(1, 70)),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 9)),
        kernel=kernel,
        stride=draw(st.integers(1, 3) | st.sampled_from([(1, 2), (3, 1)])),
        padding=per_axis(*(draw(st.integers(side, max(side, 2))) for side in least)),
        dilation=dilation,
        groups=groups,
        full_precision=full,
    )
    if full:
        return bare
    bare = replace(bare, tau=draw(st.none() | st.integers(1, bare.largest_tau)))
    widths = st.sampled_from([None, None, None, 1, 2, 8])
    bare = replace(bare, activation_bits=draw(widths), output_bits=draw(widths))
    if draw(st.booleans()):
        return bare
    return with_random_kernels(bare, draw(st.integers(0, 99)))


@st.composite
def networks(draw: st.DrawFn) -> Workload:
    return network(
        *draw(st.lists(layers(), min_size=1, max_size=3)),
        batch=draw(st.integers(1, 2)),
        activation_bits=draw(st.sampled_from([1, 1, 2, 8])),
    )


@st.composite
def machines(draw: st.DrawFn) -> Overrides:
    return {
        "array.pes": draw(st.integers(1, 20)),
        "array.spatial": draw(st.sampled_from(["input_channels", "output_pixels"])),
        "array.pe.lut_entries": draw(st.sampled_from([3, 8, 32, "none"])),
        "array.pe.lut_banks": draw(st.integers(1, 3)),
        "array.pe.index_register_sets": draw(st.integers(1, 4)),
        "array.pe.accumulators": draw(st.integers(1, 5)),
        "array.pe.partial_sums": draw(st.integers(1, 40)),
        "array.pe.dots_per_cycle": draw(st.integers(1, 3)),
        "array.pe.lut_read_ports": draw(st.sampled_from(["accumulators", 1, 2])),
        "array.pe.lut_subbanks": draw(st.sampled_from(["none", 1, 2, 4])),
        "memory.dram.latency_cycles": draw(st.sampled_from([0, 5, 60])),
        "memory.dram.bytes_per_cycle": draw(st.sampled_from([0.3, 1, 4, 64])),
        "memory.dram.burst_bytes": draw(st.sampled_from([1, 8, 64])),
        "memory.index_buffer.kib": draw(st.sampled_from([0.02, 0.1, 0.5, 4, 64])),
        "memory.index_buffer.bytes_per_cycle": draw(st.sampled_from([0.5, 4, 100])),
        "memory.index_buffer.encoding": draw(st.sampled_from(["fixed", "huffman"])),
        "memory.activation_buffer.kib": draw(st.sampled_from([0.2, 0.5, 2, 64])),
        "memory.activation_buffer.transfer_pixels": draw(st.integers(1, 9)),
        "memory.activation_buffer.bytes_per_cycle": draw(
            st.sampled_from(["windows", "windows", 0.3, 2, 11])
        ),
        "full_precision.macs_per_cycle": draw(st.sampled_from([1, 50])),
        "full_precision.bits": draw(st.sampled_from([8, 32])),
    }


def mapping_of(workload: Workload, overrides: Overrides) -> Mapping:
    """Map, or leave the example out if a buffer is too small."""
    try:
        return map_workload(workload, machine(overrides))
    except InputError:
        assume(False)
        raise


def run_of(workload: Workload, overrides: Overrides, engine: str) -> Run:
    """Run, or leave the example out if a buffer is too small, or no layer is binary.

    The simulator reads no file of a network with only full-precision layers.
    """
    assume(workload.binary_layers)
    try:
        return run_one(workload, machine(overrides), engine)
    except InputError:
        assume(False)
        raise
