"""`whole_network.md`: how much of the gain of sub-bit weights a whole network keeps."""

from collections.abc import Sequence
from functools import partial
from math import isinf
from pathlib import Path

from simulator.base.progress import Progress, announce
from simulator.base.wording import listed
from simulator.base.writing import write_file
from simulator.machines import load_hardware
from simulator.paper.cases import ENERGY, SUB_BIT, Measured
from simulator.paper.equal_area import area_of
from simulator.paper.layer_kinds import KINDS
from simulator.paper.markdown import Row, extent, table, write_csv, write_report
from simulator.paper.whole_network import KEPT, Pair, Survival, survivals
from simulator.paper.whole_network_changes import NETWORK, TOGETHER, Tried, try_changes
from simulator.paper.whole_network_figure import draw
from simulator.paper.whole_network_sentences import of_machine
from simulator.report.style import SCREEN, save_figure
from simulator.workload.scope import SCOPES


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write whole_network.md, its CSV files and its figure."""
    found = survivals(progress=progress)
    tried = try_changes(progress=progress)
    announce(progress, "drawing the speedups")
    figure = draw(found)
    rows, changes, bottlenecks = survival_rows(found), change_rows(tried), bottleneck_rows(found)
    return [
        write_report(
            folder / "whole_network.md",
            "The gain of sub-bit weights in whole networks",
            "simulate reproduce whole-network",
            [
                _intro(found),
                "## Conclusions\n",
                *_conclusions(found, tried),
                "![Speedups by scope, and time by kind of layer](whole_network.png)\n",
                "## Scopes\n\n"
                "Time and energy at 1 bit over those at 0.56 bit. Scope `binary`: the layers whose "
                "weights are signs; `weights`: all layers with weights; `network`: all layers, "
                "also normalization, activation functions, additions and pooling.\n",
                table([_part(row, _SCOPES) for row in rows]),
                "## Amdahl's law\n\n"
                "Binary share: time in binary layers at 1 bit, over that of the network. Bound: "
                "the speedup if they took no time. Law: the speedup if they were as much faster as "
                "in scope `binary` and all other layers took the same time. Inside: speedup of the "
                "binary layers in the network. Kept: speedup less 1, of the network over that of "
                "scope `binary`. Required: the factor by which other layers must be "
                f"faster to reach {100 * KEPT:.0f} % of the speedup of scope `binary`.\n",
                table([_part(row, _AMDAHL) for row in rows]),
                "## Time by kind of layer\n\n"
                "Percent of the time of the whole network. `first`: the layer that reads the "
                "image; `last`: layers in full precision after all binary layers (classifier, "
                "heads); `downsample`: other layers in full precision; `vector`: layers without "
                "weights, apart from those fused into others.\n",
                table(kind_rows(found)),
                f"## Bottlenecks of `{NETWORK}`\n\n"
                "Percent of the time of the whole network, by the layers' bottlenecks. "
                "`whole_network_bottlenecks.csv` has all networks.\n",
                table(_of_network(bottlenecks)),
                f"## Changes to `{NETWORK}` and its machines\n\n"
                "Scope `network`. Each row makes one change; the last row of a machine makes all "
                "that have an entry in the last column. That column has the speedup with all of "
                "them except the row's. The binary first layer has 1-bit weights at both bit "
                "widths; it replaces work of the MAC unit and is therefore not one of them. The "
                "accuracy of no change has been checked.\n",
                table(changes),
            ],
        ),
        write_csv(folder / "whole_network.csv", rows),
        write_csv(folder / "whole_network_changes.csv", changes),
        write_csv(folder / "whole_network_bottlenecks.csv", bottlenecks),
        *(
            write_file(folder / f"whole_network.{ending}", partial(save_figure, figure))
            for ending in SCREEN.endings
        ),
    ]


def _intro(found: Sequence[Survival]) -> str:
    means = [one.whole.sub.bits for one in found]
    machines = dict.fromkeys(one.case.machine for one in found)
    sizes = (f"`{name}` {sum(area_of(load_hardware(name))) / 1e6:.2f} MGE" for name in machines)
    return (
        "The paper's speedup covers the binary layers. This report runs whole networks at 1 bit "
        f"and at {SUB_BIT:g} bit: tau 5 in all layers, {extent(means, '{:g}')} bits per weight in "
        "the mean over the binary layers of a network. Batch 1, 1-bit activations, energy table "
        f"{ENERGY}. Machines and areas: {', '.join(sizes)}. {_sizes(found)}These are "
        "results of this simulator; the paper does not have them.\n"
    )


def _conclusions(found: Sequence[Survival], tried: Sequence[Tried]) -> list[str]:
    """Return a list of sentences per machine."""
    return [
        f"On `{machine}`:\n\n"
        + "".join(
            f"- {sentence}\n"
            for sentence in of_machine(
                [one for one in found if one.case.machine == machine],
                [one for one in tried if one.machine == machine],
            )
        )
        for machine in dict.fromkeys(one.case.machine for one in found)
    ]


def _sizes(found: Sequence[Survival]) -> str:
    """Name the machines with other buffers than in their files."""
    networks: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        if one.case.settings:
            name = f"`{one.case.network}` on `{one.case.machine}`"
            networks.setdefault(one.case.settings, []).append(name)
    return "".join(
        f"{listed(names)} {'has' if len(names) == 1 else 'have'} `{' '.join(settings)}`, because a "
        "layer does not fit in the shipped size. "
        for settings, names in networks.items()
    )


# --- tables ---------------------------------------------------------------------------------------

_KEYS = ("machine", "network")
_SCOPES = (
    *_KEYS,
    *(f"{what} {scope}" for what in ("speedup", "energy") for scope in SCOPES),
)
_AMDAHL = (*_KEYS, "binary share", "bound", "law", "speedup network", "inside", "kept", "required")


def _part(row: Row, columns: Sequence[str]) -> Row:
    return {column: row[column] for column in columns}


def survival_rows(found: Sequence[Survival]) -> list[Row]:
    """Return a row per machine and network."""
    return [
        {
            "machine": one.case.machine,
            "network": one.case.network,
            "bits": f"{one.whole.sub.bits:g}",
            **{f"speedup {scope}": f"{pair.speedup:.2f}x" for scope, pair in one.pairs.items()},
            **{f"energy {scope}": f"{pair.energy_ratio:.2f}x" for scope, pair in one.pairs.items()},
            "binary share": f"{100 * one.binary_share:.1f} %",
            "bound": f"{one.bound:.2f}x",
            "law": f"{one.expected:.2f}x",
            "inside": f"{one.binary_speedup:.2f}x",
            "kept": f"{100 * one.kept:.0f} %" if one.gains else "no gain",
            "required": _required(one),
            **_times(one),
        }
        for one in found
    ]


def _required(one: Survival) -> str:
    if not one.gains:
        return "no gain"
    if one.required <= 1:
        return "reached"
    return "impossible" if isinf(one.required) else f"{one.required:.1f}x"


def _times(one: Survival) -> Row:
    """The times and energies of all runs."""
    row: dict[str, object] = {}
    for scope, pair in one.pairs.items():
        for bits, side in (("1 bit", pair.one), ("0.56 bit", pair.sub)):
            row[f"{scope} {bits} (ms)"] = f"{side.milliseconds:.3f}"
            row[f"{scope} {bits} (µJ)"] = f"{side.energy_uj:.0f}"
    return row


def kind_rows(found: Sequence[Survival]) -> list[Row]:
    """Return the shares of the kinds of layers in whole networks, by bit width."""
    return [
        {
            "machine": one.case.machine,
            "network": one.case.network,
            "bits": bits,
            "ms": f"{side.milliseconds:.3f}",
            **{kind: f"{100 * side.share_of(kind):.1f}" for kind in KINDS},
        }
        for one in found
        for bits, side in _sides(one.whole)
    ]


def _sides(pair: Pair) -> list[tuple[str, Measured]]:
    return [("1", pair.one), ("0.56", pair.sub)]


def bottleneck_rows(found: Sequence[Survival]) -> list[Row]:
    """Return the shares of each kind's bottlenecks in whole networks, the largest first."""
    rows: list[Row] = []
    for one in found:
        sums = [_by_bottleneck(side) for _, side in _sides(one.whole)]
        keys = sorted(sums[0] | sums[1], key=lambda key: -sums[1].get(key, 0))
        rows += [
            {
                "machine": one.case.machine,
                "network": one.case.network,
                "kind": kind,
                "bottleneck": bound_by,
                "1 bit (%)": f"{sums[0].get((kind, bound_by), 0):.1f}",
                "0.56 bit (%)": f"{sums[1].get((kind, bound_by), 0):.1f}",
            }
            for kind, bound_by in keys
        ]
    return rows


def _by_bottleneck(side: Measured) -> dict[tuple[str, str], float]:
    """Return the percentage of a run's cycles by kind of layer and bottleneck."""
    sums: dict[tuple[str, str], float] = {}
    for layer in side.layers:
        if layer.cycles:
            key = (layer.kind, layer.bound_by)
            sums[key] = sums.get(key, 0) + 100 * layer.cycles / side.cycles
    return sums


def _of_network(rows: Sequence[Row]) -> list[Row]:
    return [
        {key: value for key, value in row.items() if key != "network"}
        for row in rows
        if row["network"] == NETWORK
    ]


def change_rows(tried: Sequence[Tried]) -> list[Row]:
    """Return a row per machine and change."""
    return [
        {
            "machine": one.machine,
            "change": f"**{one.title}**" if one.title == TOGETHER else one.title,
            "MGE": f"{one.area / 1e6:.2f}",
            "1 bit (ms)": f"{one.pair.one.milliseconds:.3f}",
            "0.56 bit (ms)": f"{one.pair.sub.milliseconds:.3f}",
            "speedup": f"{one.pair.speedup:.2f}x",
            "1 bit (µJ)": f"{one.pair.one.energy_uj:,.0f}",
            "0.56 bit (µJ)": f"{one.pair.sub.energy_uj:,.0f}",
            "energy": f"{one.pair.energy_ratio:.2f}x",
            "all but this": "" if one.without is None else f"{one.without.speedup:.2f}x",
        }
        for one in tried
    ]
