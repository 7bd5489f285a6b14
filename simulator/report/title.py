"""The facts over a result: network, machine, scope and baseline; and its times in one unit."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulator.base.lines import listed

if TYPE_CHECKING:
    from simulator.report.result import Result, Run
    from simulator.workload import Workload

_UNITS = (("s", 1e-3), ("ms", 1.0), ("µs", 1e3), ("ns", 1e6))
"""Units of time, and how many of each a millisecond has."""


def title(result: "Result") -> str:
    """Network, machine, baseline and scope of a result, in one line."""
    workload, hardware = result.run.workload, result.hardware
    baseline = result.baseline
    return (
        f"{workload.title}, {workload.input_height}×{workload.input_width}, on {hardware.name} "
        f"({hardware.array.pes} PEs at {hardware.clock_ghz:g} GHz): {precision(result.run)} "
        f"against {baseline.title} on the same PEs{settings(workload)}; {scope(workload)}"
    )


def precision(run: "Run") -> str:
    """Bits per weight and, in parentheses, the taus that give them."""
    taus = [f"tau {run.tau}"] if run.tau else []
    if run.tau_1x1:
        taus.append(f"tau-1x1 {run.tau_1x1}")
    layers = run.workload.binary_layers
    if any(len({x.tau for x in layers if x.kernel == kernel}) > 1 for kernel in (3, 1)):
        taus.append("tau by layer")
    return run.title + (f" ({', '.join(taus)})" if taus else "")


def settings(workload: "Workload") -> str:
    """Batch and activation bits, if they are not 1."""
    facts = [f"{workload.batch} images"] if workload.batch > 1 else []
    if workload.activation_bits > 1:
        facts.append(f"{workload.activation_bits}-bit activations")
    return "".join(f", {fact}" for fact in facts)


def scope(workload: "Workload") -> str:
    """The layers that run, such as `16 of 21 layers with weights: binary 3×3 convolutions`.

    Args:
        workload: as a run computes it.

    """
    full = len(workload.layers) - len(workload.binary_layers)
    total = len(workload.layers) + workload.layers_left_out
    kernels = sorted({layer.kernel for layer in workload.binary_layers}, reverse=True)
    noun = "convolution" if len(workload.binary_layers) == 1 else "convolutions"
    kinds = f"binary {listed([f'{k}×{k}' for k in kernels])} {noun}"
    if full:
        kinds = f"{len(workload.binary_layers)} {kinds}, {full} in full precision"
    some = f"{len(workload.layers)} of " if workload.layers_left_out else "all " * (total > 1)
    return f"{some}{total} {'layer' if total == 1 else 'layers'} with weights: {kinds}"


def covered(result: "Result") -> str:
    """What a result's numbers cover and are compared with, as one sentence without a period.

    Such as `16 of 21 layers with weights: binary 3×3 convolutions; 1-bit baseline on the same PEs;
    batch 4; 2-bit activations`.
    """
    workload = result.run.workload
    return "; ".join(
        [
            scope(workload),
            f"{result.baseline.bits:g}-bit baseline on the same PEs",
            *([f"batch {workload.batch}"] if workload.batch > 1 else []),
            *(
                [f"{workload.activation_bits}-bit activations"]
                if workload.activation_bits > 1
                else []
            ),
        ]
    )


def scope_data(result: "Result") -> dict[str, Any]:
    """The facts of `covered` as data, with the sentence."""
    workload = result.run.workload
    binary = workload.binary_layers
    return {
        "sentence": covered(result),
        "layers": len(workload.layers),
        "layers_with_weights": len(workload.layers) + workload.layers_left_out,
        "binary_layers": len(binary),
        "binary_kernels": sorted({layer.kernel for layer in binary}, reverse=True),
        "full_precision_layers": len(workload.layers) - len(binary),
        "baseline_bits": result.baseline.bits,
    }


def closing(result: "Result") -> tuple[str, str]:
    """The speedup, and the times of both runs."""
    times = times_in_one_unit(
        [result.milliseconds(x.cycles) for x in (result.run, result.baseline)]
    )
    return (
        f"speedup {result.speedup:.2f}×",
        f"{times[0]} at {result.run.title}, {times[1]} at {result.baseline.title}",
    )


def times_in_one_unit(milliseconds: Sequence[float]) -> list[str]:
    """Times with three decimals, in the largest unit that leaves the shortest three digits."""
    unit, factor = time_unit(milliseconds)
    return [f"{factor * time:.3f} {unit}" for time in milliseconds]


def time_unit(milliseconds: Sequence[float]) -> tuple[str, float]:
    """The largest unit in which no time is below a tenth, and how many a millisecond has."""
    least = min((time for time in milliseconds if time > 0), default=1.0)
    for unit, factor in _UNITS:
        if factor * least >= 0.1:
            return unit, factor
    return _UNITS[-1]
