"""A result in a few lines: what `print(result)` prints, within 80 columns."""

from itertools import groupby
from typing import TYPE_CHECKING

from simulator.report.lines import wrapped
from simulator.report.printed import COLUMNS

if TYPE_CHECKING:
    from simulator.report.result import Result

_MOST_STAGES = 8
_MOST_LAYERS = 3
_NAME = 28
"""Characters of a stage's or layer's name; longer ones are cut."""


def brief(result: "Result") -> str:
    """Scope, machine, speedup, times, stages and slowest layers; under 2000 characters."""
    lines = [*_wrapped(_title(result)), *_wrapped(_scope(result)), *_wrapped(_times(result))]
    lines += ["", *_stages(result), *_wrapped(_slowest(result))]
    if result.energy:
        lines += _wrapped(_energy(result))
    return "\n".join(lines)


def _title(result: "Result") -> str:
    workload, machine = result.run.workload, result.hardware
    return (
        f"{_short(workload.title, 2 * _NAME)}, {workload.input_height}x{workload.input_width}, on "
        f"{_short(machine.name)} ({machine.array.pes:,} PEs at {machine.clock_ghz:g} GHz)"
    )


def _scope(result: "Result") -> str:
    workload = result.run.workload
    binary = len(workload.binary_layers)
    full = len(workload.layers) - binary
    tau = f" (tau {result.run.tau})" if result.run.tau else ""
    layers = f"{binary} binary layers" if binary != 1 else "1 binary layer"
    if full:
        layers += f" and {full} full-precision layer" + ("s" if full > 1 else "")
    batch = f", {workload.batch} images" if workload.batch > 1 else ""
    bits = workload.activation_bits
    activations = f", {bits}-bit activations" if bits > 1 else ""
    return f"{result.run.title}{tau} against {result.baseline.title}: {layers}{batch}{activations}"


def _times(result: "Result") -> str:
    base = result.baseline.cycles
    return (
        f"speedup {result.speedup:.2f}x: {result.time_ms:.3f} ms ({result.cycles:,} cycles) "
        f"against {result.milliseconds(base):.3f} ms ({base:,} cycles)"
    )


def _stages(result: "Result") -> list[str]:
    """A table of the stages; of many stages the slowest, in the order of the network."""
    pairs = zip(result.run.layers, result.baseline.layers, strict=True)
    rows = []
    for stage, members in groupby(pairs, key=lambda pair: pair[0].stage):
        layers = list(members)
        cycles = [sum(layer.cycles for layer in run) for run in zip(*layers, strict=True)]
        rows.append((stage, len(layers), *cycles))
    shown = sorted(rows, key=lambda row: -row[2])[:_MOST_STAGES]
    width = max(len("stage"), *(len(_short(row[0])) for row in shown))
    lines = [f"{'stage':{width}}  layers {'cycles':>15}  share  speedup"]
    lines += [
        f"{_short(stage):{width}}  {count:6,} {cycles:15,}  {100 * cycles / result.cycles:3.0f} %"
        f"  {base / cycles:6.2f}x"
        for stage, count, cycles, base in rows
        if (stage, count, cycles, base) in shown
    ]
    if len(rows) > len(shown):
        lines.append(f"({len(rows) - len(shown)} faster stages are not shown)")
    return lines


def _slowest(result: "Result") -> str:
    layers = sorted(result.run.layers, key=lambda layer: -layer.cycles)[:_MOST_LAYERS]
    named = [f"{_short(layer.name)} {layer.cycles:,} cycles" for layer in layers]
    return f"slowest layers: {', '.join(named)}"


def _energy(result: "Result") -> str:
    energy = result.energy
    assert energy is not None  # the caller has looked
    run, base = energy.run.microjoules, energy.baseline.microjoules
    return (
        f"energy ({_short(energy.table.name)}): {run:,.2f} µJ against {base:,.2f} µJ, "
        f"{base / run:.2f}x less"
    )


def _short(name: str, most: int = _NAME) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _wrapped(sentence: str) -> list[str]:
    return wrapped(sentence, COLUMNS, indent="  ")
