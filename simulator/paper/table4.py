"""Table 4: runtime speedup of 0.56 bit over 1 bit, and its sensitivity to every assumption."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.analysis.title import layers_title
from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress
from simulator.machines import Hardware, load_hardware, value_of
from simulator.machines.assumptions import assumptions
from simulator.paper.beside import baseline_of, speedup_of
from simulator.paper.markdown import Row, as_printed, deviation, table, write_csv, write_report
from simulator.paper.printed import SPEEDUP
from simulator.workload import load_workload
from simulator.workload.scope import SCOPES, Scope

HARDWARE = "cofluent64"
BITS = 0.56
TRIALS: dict[str, tuple[tuple[str, ...], ...]] = {
    "array.spatial": (("output_pixels",),),
    "array.pe.subset_entries": (("32",), ("512",)),
    "array.pe.dots_per_cycle": (("4", "memory.index_buffer.bytes_per_cycle=288"),),
    "array.pe.index_register_sets": (("1",), ("4",)),
    "array.pe.partial_sum_bits": (("32",),),
    "memory.dram.latency_ns": (("50",), ("200",)),
    "memory.dram.gigabytes_per_second": (("8",), ("32",)),
    "memory.dram.burst_bytes": (("32",), ("128",)),
    "memory.index_buffer.kib": (("288",), ("1152",)),
    "memory.index_buffer.bytes_per_cycle": (("40",), ("80",), ("320",)),
    "memory.index_buffer.ports": (("1",),),
    "memory.activation_buffer.kib": (("32",), ("128",)),
    "memory.activation_buffer.transfer_pixels": (("4",), ("16",)),
    "memory.activation_buffer.bytes_per_cycle": (("36",), ("18",)),
    "memory.activation_buffer.ports": (("1",),),
    "full_precision.macs_per_cycle": (("32",), ("128",)),
    "vector.lanes": (("16",), ("256",)),
    "vector.fused": (("false",),),
}
"""Values to try for every key that `hw_configs/cofluent64.yaml` marks ASSUMED.

A value comes with the overrides that it needs, because four dot units would wait for a port that
is sized for one.
"""
MATTERS = 0.01
"""An assumption matters if one of its values changes a speedup by at least this fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """The results of both networks with another value for one assumption."""

    key: str
    settings: tuple[str, ...]
    """Overrides `KEY=VALUE`; the first override replaces the assumed value."""
    results: dict[str, Result]
    changes: dict[str, float]
    """Relative change of the speedup by network; 0.01 is 1 % more."""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write table4.md, table4.csv, table4_scopes.csv and table4_sensitivity.csv."""
    hardware = load_hardware(HARDWARE)
    results = {model: _result(model, hardware, progress) for model in SPEEDUP}
    rows = [_row(model, result) for model, result in results.items()]
    trials = _ranked([trial for key in TRIALS for trial in _trials(key, results, progress)])
    moved = [_moved(trial, hardware) for trial in trials]
    count = sum(_size(trial.key, trials) >= MATTERS for trial in trials)
    wider = [_in_scope(m, scope, hardware, progress) for m in SPEEDUP for scope in SCOPES]
    scopes = "; ".join(f"{model}: {layers_title(r.run.workload)}" for model, r in results.items())
    return [
        write_report(
            folder / "table4.md",
            "Table 4: speedup of 0.56 bit over 1 bit",
            "simulate reproduce table4",
            [
                f"Hardware `{HARDWARE}`, {hardware.pes} PEs at {hardware.clock_ghz:g} GHz, "
                "against 1 bit on the same PEs, at 224x224, batch 1, 1-bit activations. "
                f"Scope `binary`: {scopes}.\n",
                table(rows),
                "## The same networks in wider scopes\n\n"
                "The paper's speedup covers the binary 3x3 convolutions. `weights` adds the first, "
                "last and downsample layers, `network` also normalization, additions and "
                "pooling.\n",
                table(wider),
                "## Sensitivity to the assumptions\n\n"
                f"In `hw_configs/{HARDWARE}.yaml`, the mark `ASSUMED` identifies every value that "
                "the paper does not give. Each row replaces one of them, the largest effect "
                "first.\n\n"
                f"### Assumptions that change a speedup by {MATTERS:.0%} or more\n",
                table(moved[:count]),
                _reasons([trial.key for trial in trials[:count]]),
                f"### Assumptions that change no speedup by {MATTERS:.0%}\n",
                table(moved[count:]),
                "With `array.spatial=output_pixels`, PEs idle if the pixels of a map do not fill "
                "the array (14x14, 7x7). `array.pe.subset_entries` and "
                "`array.pe.partial_sum_bits` affect energy and area only; "
                "`full_precision.macs_per_cycle` and `vector.*` affect runs in wider scopes "
                "only.\n",
            ],
        ),
        write_csv(folder / "table4.csv", rows),
        write_csv(folder / "table4_scopes.csv", wider),
        write_csv(folder / "table4_sensitivity.csv", moved),
    ]


def _result(model: str, hardware: Hardware, progress: Progress | None) -> Result:
    return simulate(load_workload(model), hardware, bits=BITS, progress=progress)


def _row(model: str, result: Result) -> Row:
    printed = SPEEDUP[model]
    return {
        "network": model,
        "1 bit (ms)": f"{result.milliseconds(baseline_of(result).cycles):.3f}",
        "0.56 bit (ms)": f"{result.time_ms:.3f}",
        "speedup, paper": f"{printed}x",
        "speedup, simulated": f"{as_printed(speedup_of(result), printed)}x",
        "simulated, unrounded": f"{speedup_of(result):.4f}x",
        "deviation": deviation(speedup_of(result), printed),
    }


def _in_scope(model: str, scope: Scope, hardware: Hardware, progress: Progress | None) -> Row:
    """The network with all layers of a scope."""
    result = simulate(load_workload(model), hardware, bits=BITS, scope=scope, progress=progress)
    workload = result.run.workload
    return {
        "network": model,
        "scope": scope,
        "layers": str(len(workload.all_layers)),
        "1 bit (ms)": f"{result.milliseconds(baseline_of(result).cycles):.3f}",
        "0.56 bit (ms)": f"{result.time_ms:.3f}",
        "speedup": f"{speedup_of(result):.2f}x",
    }


def _trials(key: str, before: dict[str, Result], progress: Progress | None) -> list[_Trial]:
    """Run both networks with each value to try for one key."""
    found = []
    for value, *beside in TRIALS[key]:
        settings = (f"{key}={value}", *beside)
        hardware = load_hardware(HARDWARE, settings)
        results = {model: _result(model, hardware, progress) for model in before}
        changes = {
            model: speedup_of(r) / speedup_of(before[model]) - 1 for model, r in results.items()
        }
        found.append(_Trial(key=key, settings=settings, results=results, changes=changes))
    return found


def _ranked(trials: Sequence[_Trial]) -> list[_Trial]:
    """Sort trials by effect, the largest first; trials of one key stay in the order of `TRIALS`."""
    return sorted(trials, key=lambda trial: -_size(trial.key, trials))


def _size(key: str, trials: Sequence[_Trial]) -> float:
    """The largest relative change of a speedup over the values of one key."""
    return max(abs(change) for t in trials if t.key == key for change in t.changes.values())


def _moved(trial: _Trial, hardware: Hardware) -> Row:
    value = value_of(hardware, trial.key)
    row: dict[str, object] = {
        "key": trial.key,
        "assumed": f"{value:g}" if isinstance(value, float) else value,
        "tried": ", ".join(trial.settings).removeprefix(f"{trial.key}="),
    }
    for model, result in trial.results.items():
        row[f"{model} speedup"] = f"{speedup_of(result):.3f}x"
        row[f"{model} change"] = f"{100 * trial.changes[model]:+.2f} %"
        row[f"{model} 0.56 bit (ms)"] = f"{result.time_ms:.4f}"
        row[f"{model} 1 bit (ms)"] = f"{result.milliseconds(baseline_of(result).cycles):.4f}"
    return row


def _reasons(keys: Sequence[str]) -> str:
    """Return a line per key with the hardware file's reason for the value."""
    reasons = {one.key: one.reason for one in assumptions(HARDWARE)}
    return "".join(f"- `{key}`: {reasons[key]}\n" for key in dict.fromkeys(keys))
