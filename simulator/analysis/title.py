"""The heading of a result: network, machine, scope and baseline; and its times in one unit."""

from typing import Any

from simulator.analysis.outcome import Outcome
from simulator.analysis.run import Run
from simulator.base.wording import counted, listed, times_in_one_unit
from simulator.workload import Workload
from simulator.workload.sides import named, shown
from simulator.workload.workload import SHORTCUT_BITS


def title(result: Outcome) -> str:
    """Return network, machine, baseline and scope of a result, in one line."""
    workload, hardware = result.run.workload, result.hardware
    base = result.baseline
    against = "" if base is None else f" against {base.title} on the same PEs"
    return (
        f"{workload.title}, {workload.input_height}x{workload.input_width}, on {hardware.name} "
        f"({counted(result.run.pes, 'PE')} at {hardware.clock_ghz:g} GHz): "
        f"{_machine(result.run)}{precision(result.run)}"
        f"{against}{settings(workload)}; {scope_title(workload)}"
    )


def _machine(run: Run) -> str:
    """Return the name of a pipeline by its network, such as `BNN pipeline, `."""
    if not run.mapping.program.at_once:
        return ""
    taus = {layer.tau for layer in run.workload.binary_layers}
    return "SNN pipeline, " if taus - {None} else "BNN pipeline, "


def precision(run: Run) -> str:
    """Return the bits per weight and, in parentheses, their taus."""
    taus = [f"tau {run.tau}"] if run.tau else []
    if run.tau_1x1:
        taus.append(f"tau-1x1 {run.tau_1x1}")
    if run.has_several_taus:
        taus.append("tau by layer")
    return run.title + (f" ({', '.join(taus)})" if taus else "")


def settings(workload: Workload) -> str:
    """Return batch and activation bits, if they are not 1, and unusual shortcut bits."""
    facts = [f"{workload.batch} images"] if workload.batch > 1 else []
    return "".join(f", {fact}" for fact in [*facts, *_other_bits(workload)])


def activations(workload: Workload) -> str:
    """Return the bits per activation of the binary layers, such as `1- to 8-bit activations`."""
    widths = workload.widths or (workload.activation_bits,)
    least = f"{widths[0]}- to " if len(widths) > 1 else ""
    return f"{least}{widths[-1]}-bit activations"


def _other_bits(workload: Workload) -> list[str]:
    """The bits per activation and of maps between binary layers that are not the usual ones."""
    shortcuts = workload.shortcut_bits_in_use
    usual = shortcuts is None or shortcuts == SHORTCUT_BITS
    return [
        *([] if workload.widest_activation == 1 else [activations(workload)]),
        *([] if usual else [f"{shortcuts}-bit shortcuts"]),
    ]


def shortcut_data(workload: Workload) -> dict[str, int]:
    """The bits of the maps between binary layers as data; empty if the run has no such map."""
    bits = workload.shortcut_bits_in_use
    return {} if bits is None else {"shortcut_bits": bits}


def scope_title(workload: Workload) -> str:
    """Return the scope and its layers: `scope binary, 16 of 21 layers with weights: ...`."""
    return f"scope {workload.scope}, {layers_title(workload)}"


def layers_title(workload: Workload) -> str:
    """Return the layers that run: `16 of 21 layers with weights: binary 3×3 convolutions`.

    In scope `network`, the layers without weights follow.

    Args:
        workload: the workload of a run.

    """
    full = len(workload.layers) - len(workload.binary_layers)
    all_full = not workload.binary_layers
    total = len(workload.layers) + workload.layers_left_out
    noun = "convolution" if len(workload.binary_layers) == 1 else "convolutions"
    kinds = f"binary {listed([named(kernel) for kernel in workload.binary_kernels])} {noun}"
    if all_full:
        kinds = "full precision"
    elif full:
        kinds = f"{len(workload.binary_layers)} {kinds}, {full} in full precision"
    some = f"{len(workload.layers)} of " if workload.layers_left_out else "all " * (total > 1)
    others = len(workload.all_layers) - len(workload.layers)
    more = f"; {others} without weights" if others else ""
    return f"{some}{total} {'layer' if total == 1 else 'layers'} with weights: {kinds}{more}"


def covered(result: Outcome) -> str:
    """Return scope and baseline of a result's numbers, as one sentence without a period.

    For example `scope binary, 16 of 21 layers with weights: binary 3×3 convolutions; 1-bit baseline
    on the same PEs; batch 4; 2-bit activations`.
    """
    workload, base = result.run.workload, result.baseline
    return "; ".join(
        [
            scope_title(workload),
            *([] if base is None else [f"{base.bits:g}-bit baseline on the same PEs"]),
            *([f"batch {workload.batch}"] if workload.batch > 1 else []),
            *_other_bits(workload),
        ]
    )


def scope_data(result: Outcome) -> dict[str, Any]:
    """The facts of `covered` as data, with the sentence."""
    workload, base = result.run.workload, result.baseline
    binary = workload.binary_layers
    return {
        "name": workload.scope,
        "sentence": covered(result),
        "layers": len(workload.layers),
        "layers_with_weights": len(workload.layers) + workload.layers_left_out,
        "binary_layers": len(binary),
        "binary_kernels": [shown(kernel) for kernel in workload.binary_kernels],
        "full_precision_layers": len(workload.layers) - len(binary),
        "layers_without_weights": len(workload.all_layers) - len(workload.layers),
        **({} if base is None else {"baseline_bits": base.bits}),
    }


def closing(result: Outcome) -> tuple[str, str]:
    """The speedup, and the times of both runs; without a baseline the run's time and its name."""
    times = times_in_one_unit([result.milliseconds(run.cycles) for run in result.runs])
    if result.baseline is None:
        return f"time at {result.run.title}", times[0]
    return (
        f"speedup {result.speedup:.2f}×",
        f"{times[0]} at {result.run.title}, {times[1]} at {result.baseline.title}",
    )
