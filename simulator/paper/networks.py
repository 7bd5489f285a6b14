"""`networks.md`: the networks of Tables 6 and 7 on three machines, at all their bit widths."""

from collections.abc import Sequence
from pathlib import Path

from simulator.base.progress import Progress
from simulator.base.wording import listed
from simulator.machines import load_hardware
from simulator.paper.cases import ENERGY, Case, Impossible, Measured, measure
from simulator.paper.equal_area import area_of
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.paper.printed import TABLE6
from simulator.workload import load_workload
from simulator.workload.scope import FULL_PRECISION_BITS, SCOPES, Scope

MACHINES = ("cofluent64", "bnn64", "systolic-equal-area")
_DETECTION = ((32, 32), (1, 1), (0.67, 1), (0.56, 1), (0.44, 1))
"""Bits of weights and activations in Table 7, the same for both networks."""
SETTINGS: dict[str, tuple[tuple[float, int], ...]] = {
    "r50-cifar10": tuple(TABLE6),
    "ssd300-vgg16": _DETECTION,
    "faster-rcnn-r18": _DETECTION,
}
"""Bits of weights and activations by network."""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write networks.md and networks.csv."""
    found = measure(cases(), progress)
    rows = {network: [_row(found[case]) for case in cases_of(network)] for network in SETTINGS}
    return [
        write_report(
            folder / "networks.md",
            "The networks of Tables 6 and 7 on three machines",
            "simulate reproduce networks",
            [_intro(), *(_section(network, rows[network]) for network in SETTINGS)],
        ),
        write_csv(folder / "networks.csv", [row for part in rows.values() for row in part]),
    ]


def cases() -> list[Case]:
    """Return all runs of the report."""
    return [case for network in SETTINGS for case in cases_of(network)]


def cases_of(network: str) -> list[Case]:
    """Return the runs of a network, in the order of the report."""
    return [
        Case(
            machine=machine,
            network=network,
            bits=bits,
            scope=scope,
            activation_bits=None if bits == FULL_PRECISION_BITS else activations,
        )
        for bits, activations in SETTINGS[network]
        for scope in _scopes(bits)
        for machine in MACHINES
    ]


def _scopes(bits: float) -> Sequence[Scope]:
    """The scopes with a layer: full precision has no binary layer."""
    return SCOPES[1:] if bits == FULL_PRECISION_BITS else SCOPES


def _intro() -> str:
    sizes = [f"`{name}` ({sum(area_of(load_hardware(name))) / 1e6:.2f} MGE)" for name in MACHINES]
    return (
        f"Machines: {listed(sizes)}. Area: docs/energy.md, for 1-bit activations. Batch 1, "
        f"energy table {ENERGY}. Bits are those of weights and activations (W/A), as in the "
        "tables; at 32/32 every layer runs in full precision, on the MAC unit or the array. Scope "
        "`binary` covers the layers whose weights are signs, `weights` all layers with weights, "
        "`network` all layers. The column `changed` has the sizes of buffers that are not those of "
        "the machine's file, because a layer of the network does not fit in them. Bytes are those "
        "of DRAM, in whole bursts. These are results of this simulator; the paper does not have "
        "them.\n"
    )


def _section(network: str, rows: Sequence[Row]) -> str:
    shown = [{key: row[key] for key in row if key != "network"} for row in rows]
    return f"## {load_workload(network).title}\n\n{table(shown)}"


def _row(found: Measured | Impossible) -> Row:
    case = found.case
    activations = case.activation_bits or FULL_PRECISION_BITS
    start = {
        "network": case.network,
        "bits (W/A)": f"{case.bits:g}/{activations}",
        "scope": case.scope,
        "machine": case.machine,
    }
    if isinstance(found, Impossible):
        values = ["not possible"] * 4
        note = found.reason
    else:
        values = [
            f"{found.milliseconds:.3f}",
            f"{found.energy_uj:,.0f}",
            f"{found.read_bytes / 1e6:.2f}",
            f"{found.written_bytes / 1e6:.2f}",
        ]
        note = ", ".join(case.settings)
    names = ("time (ms)", "energy (µJ)", "read (MB)", "written (MB)")
    return {**start, **dict(zip(names, values, strict=True)), "changed": note}
