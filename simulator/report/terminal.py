"""A result as a table in the terminal, by layer and by stage."""

from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from simulator.functional import CheckResult
    from simulator.report.energy import ResultEnergy
    from simulator.report.layers import LayerResult
    from simulator.report.result import Result

Pair = tuple["LayerResult", "LayerResult"]

_COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("layer", "left"),
    ("cycles", "right"),
    ("µs", "right"),
    ("baseline µs", "right"),
    ("speedup", "right"),
    ("PE util. %", "right"),
    ("bound by", "left"),
    ("baseline bound by", "left"),
    ("DRAM kB", "right"),
    ("baseline kB", "right"),
)


def print_result(result: "Result", console: Console) -> None:
    """Print the table, the total and the notes."""
    workload, hardware = result.run.workload, result.hardware
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        title=(
            f"{workload.title}, {workload.input_height}x{workload.input_width}, on {hardware.name} "
            f"({hardware.array.pes} PEs at {hardware.clock_ghz:g} GHz): "
            f"{_precision(result)} against {result.baseline.title}"
        ),
        title_justify="left",
    )
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify, no_wrap=name == "layer")
    pairs = list(zip(result.run.layers, result.baseline.layers, strict=True))
    for stage, group in groupby(pairs, key=lambda pair: pair[0].stage):
        members = list(group)
        for pair in members:
            table.add_row(*_layer_row(result, pair))
        if len(members) > 1:
            table.add_row(*_sum_row(result, f"= {stage}", members), style="bold", end_section=True)
        else:
            table.add_section()
    table.add_row(*_sum_row(result, "TOTAL", pairs), style="bold")
    console.print(table)
    console.print(
        f"[bold]speedup {result.speedup:.2f}x[/]: {result.time_ms:.3f} ms at {result.run.title}, "
        f"{result.milliseconds(result.baseline.cycles):.3f} ms at {result.baseline.title}",
        markup=True,
        highlight=False,
    )
    if result.energy:
        _print_energy(result, result.energy, console)
    for note in result.notes():
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    if result.check is not None:
        for line in check_lines(result.check):
            console.print(f"check: {line}", highlight=False, markup=False, soft_wrap=True)


def check_lines(check: "CheckResult") -> list[str]:
    """What a check found: a line per layer, then what it was done on."""
    lines = [
        f"{layer.layer} ({layer.mode}): {layer.outputs:,} outputs equal"
        if layer.difference is None
        else f"DIFFERENT at {layer.difference}"
        for layer in check.layers
    ]
    wrong = sum(not layer.equal for layer in check.layers)
    verdict = f"{wrong} of {len(lines)} layers differ from" if wrong else "equal to"
    lines.append(
        f"{check.outputs:,} outputs of {len(lines)} binary layers {verdict} a direct convolution; "
        f"activations: {_origin([x.inputs for x in check.layers])}; "
        f"kernels: {_origin([x.kernels for x in check.layers])} (seed {check.seed})"
    )
    return lines


def _origin(where: list[str]) -> str:
    """`random`, `given`, or how many of each."""
    counts = {kind: where.count(kind) for kind in ("given", "random") if kind in where}
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{kind} in {count}" for kind, count in counts.items())


def _print_energy(result: "Result", energy: "ResultEnergy", console: Console) -> None:
    """A line per unit, and what the whole run costs."""
    from simulator.report.energy import microjoules, summary, unit_rows

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=f"energy, {energy.table.title}",
        title_justify="left",
    )
    for name in ("unit", "µJ", "share %", "baseline µJ", "share %", "reduction"):
        table.add_column(name, justify="left" if name == "unit" else "right")
    whole = (energy.run.attojoules, energy.baseline.attojoules)
    for unit, *spent in (*unit_rows(energy), ("TOTAL", *whole)):
        (ours, share), (base, base_share) = (
            (f"{microjoules(part):,.3f}", f"{100 * part / max(1, all_):.1f}")
            for part, all_ in zip(spent, whole, strict=True)
        )
        ratio = f"{spent[1] / spent[0]:.2f}x" if spent[0] else ""
        table.add_row(unit, ours, share, base, base_share, ratio)
    console.print(table)
    sums = summary(result, energy)
    run, baseline, ratios = sums["run"], sums["baseline"], sums["ratios"]
    console.print(
        f"[bold]energy {ratios['energy_uj']:.2f}x less[/]: {run['energy_uj']:.2f} µJ at "
        f"{result.run.title}, {baseline['energy_uj']:.2f} µJ at {result.baseline.title}; "
        f"energy-delay {ratios['energy_delay_uj_ms']:.2f}x less, "
        f"DRAM bytes {ratios['dram_bytes']:.2f}x fewer",
        markup=True,
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"area: {_area(result)}", highlight=False, soft_wrap=True)


def _area(result: "Result") -> str:
    """The proxy in thousands of gates: logic, and the buffers that dwarf it."""
    parts = result.area
    buffers = parts["index_buffer"] + parts["activation_buffer"]
    logic = sum(parts.values()) - buffers
    return f"{logic / 1e3:,.0f} kGE of logic, {buffers / 1e3:,.0f} kGE of buffers"


def _precision(result: "Result") -> str:
    taus = [f"tau {result.run.tau}"] if result.run.tau else []
    if result.run.tau_1x1:
        taus.append(f"tau-1x1 {result.run.tau_1x1}")
    layers = result.run.workload.binary_layers
    if any(len({x.tau for x in layers if x.kernel == kernel}) > 1 for kernel in (3, 1)):
        taus.append("tau by layer")
    return result.run.title + (f" ({', '.join(taus)})" if taus else "")


def _layer_row(result: "Result", pair: Pair) -> tuple[str, ...]:
    ours, base = pair
    return _row(result, ours.name, [pair], ours.bound_by, base.bound_by)


def _sum_row(result: "Result", name: str, pairs: list[Pair]) -> tuple[str, ...]:
    return _row(result, name, pairs, "", "")


def _row(
    result: "Result", name: str, pairs: list[Pair], bound_by: str, base_bound_by: str
) -> tuple[str, ...]:
    """One line for a layer or a sum of layers."""
    cycles = sum(ours.cycles for ours, _ in pairs)
    base_cycles = sum(base.cycles for _, base in pairs)
    work = sum(ours.utilization * ours.cycles for ours, _ in pairs)
    return (
        name,
        f"{cycles:,}",
        f"{1e3 * result.milliseconds(cycles):,.2f}",
        f"{1e3 * result.milliseconds(base_cycles):,.2f}",
        f"{base_cycles / cycles:.2f}x",
        f"{100 * work / cycles:.1f}",
        bound_by,
        base_bound_by,
        f"{sum(_moved(ours) for ours, _ in pairs) / 1e3:,.1f}",
        f"{sum(_moved(base) for _, base in pairs) / 1e3:,.1f}",
    )


def _moved(layer: "LayerResult") -> int:
    return layer.dram_read_bytes + layer.dram_written_bytes


def print_operations(counts: dict[str, Any], console: Console) -> None:
    """Print what `simulate ops` counted."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=f"{counts['model']}, {counts['activation_bits']}-bit activations, one image, "
        f"convention {counts['convention']}",
        title_justify="left",
    )
    for name in ("bits per weight", "params (Mbit)", "bit operations (G)"):
        table.add_column(name, justify="right")
    base, full = counts["baseline"], counts["full_precision"]
    for bits, row in ((counts["bits"], counts), (base["bits"], base), (32, full)):
        table.add_row(f"{bits:g}", f"{row['params_mbit']:.3f}", f"{row['bit_ops_g']:.3f}")
    ratios = counts["ratios"]
    table.add_section()
    table.add_row("reduction", f"{ratios['params']:.2f}x", f"{ratios['bit_ops']:.2f}x")
    console.print(table)
