"""Table 6: parameters and bit operations of ResNet-50 on CIFAR-10."""

from pathlib import Path

from simulator.analysis.title import layers_title
from simulator.base.progress import Progress
from simulator.paper.markdown import Row, as_printed, deviation, table, write_csv, write_report
from simulator.paper.operations import compare_operations
from simulator.paper.printed import TABLE6
from simulator.workload import configure, load_workload

MODEL = "r50-cifar10"


def write(folder: Path, progress: Progress | None = None) -> list[Path]:  # noqa: ARG001 # instant
    """Write table6.md and table6.csv."""
    rows = [_row(*setting) for setting in TABLE6]
    scope = layers_title(configure(load_workload(MODEL), bits=1))
    off = [row for row in rows if "no" in (row["params equal"], row["ops equal"])]
    return [
        write_report(
            folder / "table6.md",
            "Table 6: ResNet-50 on CIFAR-10, parameters and bit operations",
            "simulate reproduce table6",
            [
                "The counts follow the paper's formula (convention `table6`), not the operations "
                "of the simulated hardware. `equal` compares at the printed digits. Ratios are "
                f"relative to 1 bit with the same activations. Scope `binary`: {scope}.\n",
                table(rows),
                _remarks(off),
            ],
        ),
        write_csv(folder / "table6.csv", rows),
    ]


def _remarks(off: list[Row]) -> str:
    settings = ", ".join(str(row["bits (W/A)"]) for row in off) or "none"
    return (
        f"Rows that differ in a printed digit: {settings}. "
        "The 78.12 G of the full-precision row is twice the printed, rounded 39.06 G; "
        "64 x 1.220542464 G is 78.11 G.\n\n"
        'For 0.47/32 the text of the supplement gives "2.13x parameter reduction and 5.27x Bit-OPs '
        'reduction". Its table gives 2.1x and 5.1x, equal to the computed ratios.\n'
    )


def _row(bits: float, activation_bits: int) -> Row:
    full = bits == 32
    counts = compare_operations(
        load_workload(MODEL), bits=1 if full else bits, activation_bits=activation_bits
    )
    ours = counts["full_precision"] if full else counts
    params, params_ratio, ops, ops_ratio = TABLE6[bits, activation_bits]
    row = {
        "bits (W/A)": f"{bits:g}/{activation_bits}",
        **_compared("params", "Mbit", ours["params_mbit"], params),
        **_compared("ops", "G", ours["bit_ops_g"], ops),
    }
    for name, ratio, printed in (
        ("params", counts["ratios"]["params"], params_ratio),
        ("ops", counts["ratios"]["bit_ops"], ops_ratio),
    ):
        row[f"{name} ratio, paper"] = f"{printed}x" if printed else ""
        row[f"{name} ratio, computed"] = f"{as_printed(ratio, printed)}x" if printed else ""
    return row


def _compared(name: str, unit: str, value: float, printed: str) -> dict[str, object]:
    shown = as_printed(value, printed)
    return {
        f"{name}, paper ({unit})": printed,
        f"{name}, computed ({unit})": shown,
        f"{name} deviation": deviation(value, printed),
        f"{name} equal": "yes" if shown == printed else "no",
    }
