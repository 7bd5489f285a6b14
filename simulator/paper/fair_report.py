"""`fair.md`: the gain of sub-bit weights if 1-bit weights also have their own best accelerator."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.analysis.title import layers_title
from simulator.api.simulate import simulate
from simulator.base.progress import Progress, announce
from simulator.base.wording import listed
from simulator.base.writing import write_file
from simulator.machines import load_hardware
from simulator.paper.beside import baseline_of, speedup_of
from simulator.paper.fair import (
    CLOSE,
    DOTS,
    HARDWARE,
    KIB,
    LUT,
    ONE_BIT,
    PES,
    PORT,
    SUB_BIT,
    Fair,
    Row,
    Space,
    bits_of,
    compare_fairly,
)
from simulator.paper.markdown import table, write_csv, write_report
from simulator.report.style import SCREEN, save_figure
from simulator.studies.fronts import AREA
from simulator.studies.point_numbers import Floats
from simulator.workload import configure, load_workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPERS_NETWORK = "r18"
PAPERS_MACHINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "`cofluent64`: the paper's PE": (HARDWARE, ()),
    "`cofluent64`, 4 dot units, port of 288 B/cycle": (HARDWARE, (f"{DOTS}=4", f"{PORT}=288")),
    "`bnn64`: 4 dot units, no LUT": ("bnn64", ()),
}
SHARED_BITS = (1, 4)
"""Activation bits of the runs of both bit widths on the same accelerator."""
WIN = 1.05
"""Minimum ratio of times for which the report calls 0.56 bit faster."""
EVEN = 0.995
"""Minimum ratio for which 0.56 bit is not slower, after the report's rounding."""
SHOWN_MGE = (6, 7, 8, 9, 10, 12, 14)
"""Areas of the table in millions of gate equivalents; fair_area.csv has all steps of 2 %."""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write fair.md, its CSV files and its figure."""
    fair = compare_fairly(Space(), progress)
    announce(progress, "drawing the fronts")
    figure = _figure(fair)
    pictures = [
        write_file(folder / f"fair.{ending}", partial(save_figure, figure))
        for ending in SCREEN.endings
    ]
    fronts = [row for case in fair.cases for row in fair.group(*case).rows()]
    best, ports = best_rows(fair), port_rows(fair)
    return [
        write_report(
            folder / "fair.md",
            "Sub-bit against 1-bit weights, each on its own best machine",
            "simulate reproduce fair",
            [
                _intro(fair.space),
                "\n".join(f"- {sentence}" for sentence in sentences(fair)) + "\n",
                "## On one machine\n\n"
                "The paper's PE has one dot unit and four accumulators. 1-bit layers therefore "
                f"leave three accumulators idle. `{PAPERS_NETWORK}` at both bit widths on one "
                "machine:\n",
                table(shared_rows()),
                "## Within the same area\n\n"
                "Time at 1 bit over time at 0.56 bit, each on its fastest machine within the area. "
                "0: too small for a sub-bit machine. `fair_area.csv` has all bit widths and areas "
                "in steps of 2 %.\n",
                table(area_rows(fair)),
                "![Time against area for each bit width](fair.png)\n",
                "## Own best machines\n\n"
                f"The smallest machine within {100 * (CLOSE - 1):.0f} % of the fastest.\n",
                table([row for row in best if row["bits"] in ("1", f"{bits_of(SUB_BIT)}")]),
                "## Within the same index port and area\n\n"
                f"Network: `{PAPERS_NETWORK}`. The area of a row is that of the larger of the two "
                "best machines with at most this port. Both bit widths use at most this area.\n",
                table([row for row in ports if row["network"] == PAPERS_NETWORK]),
            ],
        ),
        write_csv(folder / "fair_area.csv", every_area(fair)),
        write_csv(folder / "fair_best.csv", best),
        write_csv(folder / "fair_ports.csv", ports),
        write_csv(folder / "fair_fronts.csv", fronts),
        *pictures,
    ]


def _intro(space: Space) -> str:
    hardware = load_hardware(HARDWARE)
    networks = {name: configure(load_workload(name), bits=1) for name in space.networks}
    layers = "; ".join(f"`{name}`: {layers_title(network)}" for name, network in networks.items())
    return (
        f"Machines: {_few(space.pes)} PEs of `{HARDWARE}` at {hardware.clock_ghz:g} GHz with "
        f"{_few(space.dots)} dot units per PE, a LUT of 2^τ entries or none, index ports of "
        f"{_few(space.ports)} B/cycle, and index buffers of {_few(space.index_kib)} KiB. All other "
        "values are those of the file. A 1-bit machine has no LUT and no store of a subset; the "
        "store of a sub-bit machine holds 2^τ kernels. Area is the proxy of docs/energy.md, energy "
        f"that of the table 45nm. Batch 1; {layers}. The comparison excludes accuracy, "
        "which falls with fewer bits per weight (paper, Table 4) and with fewer activation bits. "
        "These are results of this simulator; the paper does not have them. [pipelines.md]"
        "(pipelines.md) compares pipelines at equal rate and at equal area.\n"
    )


def _few(values: Sequence[int]) -> str:
    return listed([*map(str, values)], "or")


# --- tables ---------------------------------------------------------------------------------------


def shared_rows() -> list[Row]:
    """Compare 1 bit and 0.56 bit on the same accelerator."""
    rows: list[Row] = []
    for title, (name, settings) in PAPERS_MACHINES.items():
        hardware = load_hardware(name, settings)
        for bits in SHARED_BITS:
            network = load_workload(PAPERS_NETWORK)
            result = simulate(
                network, hardware, bits=bits_of(SUB_BIT), activation_bits=bits
            ).with_energy("45nm")
            energy = result.energy
            assert energy is not None  # just asked for
            assert energy.baseline is not None
            rows.append(
                {
                    "machine": title,
                    "activation bits": bits,
                    "MGE": f"{sum(result.area.values()) / 1e6:.2f}",
                    "1 bit (ms)": f"{result.milliseconds(baseline_of(result).cycles):.3f}",
                    "0.56 bit (ms)": f"{result.time_ms:.3f}",
                    "speedup": f"{speedup_of(result):.2f}x",
                    "1 bit (µJ)": f"{energy.baseline.microjoules:,.0f}",
                    "0.56 bit (µJ)": f"{energy.run.microjoules:,.0f}",
                }
            )
    return rows


def area_rows(fair: Fair) -> Sequence[Row]:
    """Return the speedup of 0.56 bit over 1 bit within the areas of the table."""
    areas = 1e6 * np.array(SHOWN_MGE, dtype=np.float64)
    return [
        {
            "network": network,
            "activation bits": bits,
            **{
                f"{mega} MGE": f"{ratio:.2f}x" if ratio else "0"
                for mega, ratio in zip(
                    SHOWN_MGE,
                    fair.over_one_bit(network, bits, SUB_BIT, areas).tolist(),
                    strict=True,
                )
            },
        }
        for network, bits in fair.cases
    ]


def every_area(fair: Fair) -> list[Row]:
    """Return the speedup of each bit width over 1 bit within all areas, in steps of 2 %."""
    rows: list[Row] = []
    for network, bits in fair.cases:
        areas = fair.group(network, bits).areas
        taus = fair.space.falling_taus
        found = [fair.over_one_bit(network, bits, tau, areas).tolist() for tau in taus]
        rows += [
            {"network": network, "activation_bits": bits, AREA: round(size)}
            | {f"speedup_{bits_of(tau)}_bit": ratio for tau, ratio in zip(taus, each, strict=True)}
            for size, *each in zip(areas.tolist(), *found, strict=True)
        ]
    return rows


def best_rows(fair: Fair) -> list[Row]:
    """Return the best accelerator of each bit width."""
    return [
        {
            "network": network,
            "activation bits": bits,
            "bits": f"{bits_of(tau):g}",
            **_described(fair.chosen(network, bits, tau).best),
        }
        for network, bits in fair.cases
        for tau in (ONE_BIT, *fair.space.falling_taus)
    ]


def _described(row: Row) -> Row:
    moved = row["dram_read_bytes"] + row["dram_written_bytes"]
    return {
        "ms": f"{row['time_ms']:.3f}",
        "MGE": f"{row[AREA] / 1e6:.2f}",
        "PEs": row[f"hw.{PES}"],
        "dot units": row[f"hw.{DOTS}"],
        "LUT entries": row[f"hw.{LUT}"],
        "port (B/cycle)": f"{row[f'hw.{PORT}']:g}",
        "index buffer (KiB)": f"{row[f'hw.{KIB}']:g}",
        "µJ": f"{row['energy_uj']:,.0f}",
        "DRAM (MB)": f"{moved / 1e6:.2f}",
    }


def port_rows(fair: Fair) -> list[Row]:
    """Compare 1 bit and 0.56 bit within the same index port and the same area."""
    rows: list[Row] = []
    for network, bits in fair.cases:
        for port in fair.space.ports:
            choices = [fair.chosen(network, bits, tau, port) for tau in (ONE_BIT, SUB_BIT)]
            limit = max(rows.best[AREA] for rows in choices)
            one, sub = (rows.within(limit).best for rows in choices)
            rows.append(
                {
                    "network": network,
                    "activation bits": bits,
                    "port (B/cycle)": port,
                    "within MGE": f"{limit / 1e6:.2f}",
                    "1 bit (ms)": f"{one['time_ms']:.3f}",
                    "0.56 bit (ms)": f"{sub['time_ms']:.3f}",
                    "speedup": f"{one['time_ms'] / sub['time_ms']:.2f}x",
                    "energy, 1 bit over 0.56": f"{one['energy_uj'] / sub['energy_uj']:.2f}x",
                }
            )
    return rows


# --- sentences ------------------------------------------------------------------------------------


def sentences(fair: Fair) -> list[str]:
    """Summarize the gains of 0.56-bit weights, with each bit width on its own best accelerator."""
    largest = {
        bits: [_ratios(fair, network, bits)[1][-1] for network in fair.space.networks]
        for bits in fair.space.activation_bits
    }
    winning = [bits for bits, found in largest.items() if min(found) >= WIN]
    others = [bits for bits in largest if bits not in winning]
    return [
        *([_winning(fair, winning)] if winning else []),
        *([_even(fair, others)] if others else []),
    ]


def _ratios(fair: Fair, network: str, bits: int) -> tuple[Floats, Floats]:
    """Return all areas, in steps of 2 %, and the speedup of 0.56 bit within each area."""
    areas = fair.group(network, bits).areas
    return areas, fair.over_one_bit(network, bits, SUB_BIT, areas)


def _parted(
    fair: Fair, bits: Sequence[int], least: float
) -> tuple[float, list[float], list[float]]:
    """Find the area from which on 0.56 bit reaches a ratio in all networks.

    Args:
        fair: the runs.
        bits: activation bits.
        least: the ratio.

    Returns:
        The area; the ratios within smaller areas that have an accelerator for both bit widths; the
        ratios from the area on.

    """
    found = [_ratios(fair, network, b) for network in fair.space.networks for b in bits]
    first = max(_first(areas, ratios, least) for areas, ratios in found)
    below = [ratios[(areas < first) & (ratios > 0)] for areas, ratios in found]
    above = [ratios[areas >= first] for areas, ratios in found]
    return first, np.concatenate(below).tolist(), np.concatenate(above).tolist()


def _first(areas: Floats, ratios: Floats, least: float) -> float:
    """The area from which on no ratio is below `least`."""
    below = np.flatnonzero(~(ratios >= least))
    return float(areas[below[-1] + 1 if len(below) else 0])


def _winning(fair: Fair, bits: Sequence[int]) -> str:
    first, _, ratios = _parted(fair, bits, WIN)
    return (
        f"With activations of {_few_and(bits)}, 0.56-bit weights are faster: within any area of at "
        f"least {first / 1e6:.2f} MGE they are {_range(ratios)} as fast as 1-bit weights. A LUT "
        "read returns the dot product of all bits of an activation, but a dot unit takes the bits "
        "one at a time. Within smaller areas, 1 bit can be faster because its PE has neither LUT "
        "nor store of a subset."
    )


def _even(fair: Fair, bits: Sequence[int]) -> str:
    first, below, above = _parted(fair, bits, EVEN)
    cases = [(network, b) for network in fair.space.networks for b in bits]
    pairs = [(fair.chosen(*case, ONE_BIT).best, fair.chosen(*case, SUB_BIT).best) for case in cases]
    ports = [sorted({row[f"hw.{PORT}"] for row in side}) for side in zip(*pairs, strict=True)]
    one, sub = (listed([f"{port:g}" for port in side], "or") for side in ports)
    smaller = f"{_range(below)} as fast within smaller areas, and " if below else ""
    return (
        f"With activations of {_few_and(bits)}, they save little time: they are {smaller}"
        f"{_range(above)} as fast within any area of at least {first / 1e6:.2f} MGE. They save "
        f"index bandwidth and storage: their own best machine has a port of {sub} instead of {one} "
        f"B/cycle and takes {_saved(pairs, 'energy_uj')} of the energy and {_saved(pairs, AREA)} "
        "of the area."
    )


def _range(ratios: Sequence[float]) -> str:
    least, most = f"{min(ratios):.2f}x", f"{max(ratios):.2f}x"
    return least if least == most else f"{least} to {most}"


def _saved(pairs: Sequence[tuple[Row, Row]], column: str) -> str:
    """Return the range over all pairs of the second row's value relative to the first row's."""
    percents = sorted(100 * sub[column] / one[column] for one, sub in pairs)
    least, most = (f"{percents[place]:.0f} %" for place in (0, -1))
    return least if least == most else f"{least} to {most}"


def _few_and(bits: Sequence[int]) -> str:
    return f"{listed([*map(str, bits)])} bit{'s' if list(bits) != [1] else ''}"


# --- figure ---------------------------------------------------------------------------------------


def _figure(fair: Fair) -> "Figure":
    """Draw the fronts of the paper's network, with a panel for each number of activation bits."""
    from simulator.studies.fronts_report import draw_figure
    from simulator.studies.plot_style import drawing

    groups = [fair.group(PAPERS_NETWORK, bits) for bits in fair.space.activation_bits]
    with drawing(SCREEN):
        return draw_figure(groups, f"{HARDWARE} and its variants", SCREEN)
