"""Builders of small layers, networks and machines."""

from typing import Any

from simulator.engine import engine
from simulator.hardware import Hardware, load_hardware
from simulator.mapping import Mapping, map_workload
from simulator.mapping.builder import Kind
from simulator.program import Ints, Trace
from simulator.workload import Layer, Workload

INSTANT = {
    "memory.dram.latency_cycles": 0,
    "memory.dram.bytes_per_cycle": 1e9,
    "memory.index_buffer.bytes_per_cycle": 1e9,
}
"""Memory that answers any transfer within a cycle."""


def layer(
    channels_in: int,
    channels_out: int,
    height: int,
    width: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: int | None = None,
    groups: int = 1,
    tau: int | None = None,
    full_precision: bool = False,
    name: str = "conv",
) -> Layer:
    """A layer over an input map of height x width."""
    padding = kernel // 2 if padding is None else padding
    return Layer(
        name=name,
        stage="stage",
        in_channels=channels_in,
        out_channels=channels_out,
        in_height=height,
        in_width=width,
        out_height=(height + 2 * padding - kernel) // stride + 1,
        out_width=(width + 2 * padding - kernel) // stride + 1,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=1,
        groups=groups,
        full_precision=full_precision,
        tau=tau,
    )


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
    """cofluent64 with some keys overridden."""
    return load_hardware("cofluent64", [f"{k}={_yaml(v)}" for k, v in (overrides or {}).items()])


def _yaml(value: object) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def traced(workload: Workload, overrides: dict[str, Any] | None = None) -> tuple[Mapping, Trace]:
    """Map a workload and run it with the event engine."""
    mapping = map_workload(workload, machine(overrides))
    return mapping, engine("event")(mapping.program, None)


def times(trace: Trace, kind: Kind, of_layer: int = 0) -> list[tuple[int, int]]:
    """(start, end) of every command of a kind in one layer."""
    chosen = (trace.program.kind == kind) & (trace.program.layer == of_layer)
    return list(zip(trace.start[chosen].tolist(), trace.end[chosen].tolist(), strict=True))


def of_kind(trace: Trace, kind: Kind, values: Ints) -> Ints:
    """The values of every command of a kind."""
    return values[trace.program.kind == kind]
