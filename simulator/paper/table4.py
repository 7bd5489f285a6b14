"""Table 4: runtime speedup of 0.56 bit over 1 bit, and what the assumed memory values do to it."""

from pathlib import Path

from simulator.hardware import Hardware, load_hardware, value_of
from simulator.paper.markdown import Row, as_printed, deviation, table, write_csv, write_report
from simulator.paper.printed import SPEEDUP
from simulator.progress import Progress
from simulator.report.result import Result
from simulator.run import simulate
from simulator.workload import load_workload

HARDWARE = "cofluent64"
BITS = 0.56
ASSUMED = (
    "memory.dram.latency_cycles",
    "memory.dram.bytes_per_cycle",
    "memory.dram.burst_bytes",
    "memory.index_buffer.kib",
    "memory.activation_buffer.kib",
    "memory.activation_buffer.transfer_pixels",
)
"""Memory values that the paper does not give; hw_configs/cofluent64.yaml has the reasons."""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write table4.md, table4.csv and table4_sensitivity.csv."""
    hardware = load_hardware(HARDWARE)
    results = {model: _result(model, hardware, progress) for model in SPEEDUP}
    rows = [_row(model, result) for model, result in results.items()]
    moved = [
        _moved(key, factor, results, progress) for key in ASSUMED for factor in (0.5, 1.0, 2.0)
    ]
    mapping = {
        model: _result(model, load_hardware(HARDWARE, ["array.spatial=output_pixels"]), progress)
        for model in SPEEDUP
    }
    return [
        write_report(
            folder / "table4.md",
            "Table 4: speedup of 0.56 bit over 1 bit",
            "simulate reproduce table4",
            [
                f"Hardware `{HARDWARE}`, {hardware.array.pes} PEs at {hardware.clock_ghz:g} GHz, "
                "binary 3x3 convolutions at 224x224, batch 1.\n",
                table(rows),
                "## Sensitivity to the assumed memory values\n\n"
                "The paper gives no memory sizes or rates. The table halves and doubles each value "
                f"that `hw_configs/{HARDWARE}.yaml` assumes:\n",
                table(moved),
                "## Alternative spatial mapping\n\n"
                "With one output pixel per PE (`--set array.spatial=output_pixels`), PEs idle if "
                "the pixels of a map do not fill the array (14x14, 7x7). The speedups are "
                + ", ".join(
                    f"{result.speedup:.3f}x for {model}" for model, result in mapping.items()
                )
                + ".\n",
            ],
        ),
        write_csv(folder / "table4.csv", rows),
        write_csv(folder / "table4_sensitivity.csv", moved),
    ]


def _result(model: str, hardware: Hardware, progress: Progress | None) -> Result:
    return simulate(load_workload(model), hardware, bits=BITS, progress=progress)


def _row(model: str, result: Result) -> Row:
    printed = SPEEDUP[model]
    return {
        "network": model,
        "1 bit (ms)": f"{result.milliseconds(result.baseline.cycles):.3f}",
        "0.56 bit (ms)": f"{result.time_ms:.3f}",
        "speedup, paper": f"{printed}x",
        "speedup, simulated": f"{as_printed(result.speedup, printed)}x",
        "simulated, unrounded": f"{result.speedup:.4f}x",
        "deviation": deviation(result.speedup, printed),
    }


def _moved(key: str, factor: float, unmoved: dict[str, Result], progress: Progress | None) -> Row:
    """Both networks with one assumed value multiplied by a factor."""
    value = value_of(load_hardware(HARDWARE), key)
    assert isinstance(value, int | float)  # every assumed value is a number
    moved = type(value)(value * factor)
    row: dict[str, object] = {"key": key, "value": f"{moved:g}"}
    for model, before in unmoved.items():
        result = before
        if factor != 1:
            result = _result(model, load_hardware(HARDWARE, [f"{key}={moved}"]), progress)
        row[f"{model} speedup"] = f"{result.speedup:.3f}x"
        row[f"{model} 0.56 bit (ms)"] = f"{result.time_ms:.4f}"
        row[f"{model} 1 bit (ms)"] = f"{result.milliseconds(result.baseline.cycles):.4f}"
    return row
