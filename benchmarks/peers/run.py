"""Compare with peers: ResNet-18's convolutions on 64 elements, in one run on one machine.

    python benchmarks/peers/run.py [CACHE_FOLDER]

Each peer gets its own virtual environment in the cache folder (default: out/peers), with the pinned
versions below, and runs as one process per input size. Writes README.md in this folder. Takes some
ten minutes; no result passes or fails.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.workload import Workload, load_workload
from simulator.workload.exporters import export

HERE = Path(__file__).resolve().parent
MODEL = "r18"
SIDE = 8
"""Elements on a side of the array."""
SIZES = (64, 224)
"""Input sizes, in pixels on a side."""


@dataclass(frozen=True)
class Measured:
    """Measurements of one process."""

    name: str
    size: int
    """Input pixels on a side."""
    seconds: float
    cpu_seconds: float
    """Processor time in s. Other load on the machine hardly changes it."""
    peak_mb: float
    cycles: int
    """Simulated cycles, summed over the process's runs."""
    what: str


@dataclass(frozen=True)
class Peer:
    """A tool from the package index."""

    name: str
    requirements: tuple[str, ...]
    prepare: Callable[[Path, Workload], list[str]]
    """Function that writes the peer's inputs into a folder and returns the driver's arguments."""
    what: str
    sizes: tuple[int, ...] = SIZES


def prepare_scalesim(folder: Path, workload: Workload) -> list[str]:
    (folder / "topology.csv").write_text(export(workload, "scalesim").text)
    (folder / "layout.csv").write_text("no custom layout\n")
    (folder / "scale.cfg").write_text(
        f"""[general]
run_name = r18
[architecture_presets]
ArrayHeight: {SIDE}
ArrayWidth: {SIDE}
IfmapSramSzkB: 64
FilterSramSzkB: 576
OfmapSramSzkB: 64
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Dataflow: ws
Bandwidth: 16
ReadRequestBuffer: 64
WriteRequestBuffer: 64
[layout]
IfmapCustomLayout: False
FilterCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""
    )
    return [str(HERE / "drive_scalesim.py"), "scale.cfg", "topology.csv", "layout.csv"]


def prepare_zigzag(folder: Path, workload: Workload) -> list[str]:
    (folder / "workload.yaml").write_text(export(workload, "zigzag").text)
    return [str(HERE / "drive_zigzag.py"), "workload.yaml", str(SIDE)]


PEERS = (
    Peer(
        "SCALE-Sim 3.0.0",
        ("scalesim==3.0.0", "numpy==2.3.5", "pandas==3.1.1", "matplotlib==3.11.2"),
        prepare_scalesim,
        f"a weight-stationary systolic array of {SIDE} x {SIDE} multiply-accumulates, cycle by "
        "cycle, with its SRAM demand. Memory stalls follow from the bandwidth that SCALE-Sim "
        "computes. It has no LUT, no sub-bit weights and no overlap of layers. The 224-pixel run "
        "is missing: it was incomplete after 14 CPU minutes, with 7 GB of memory",
        sizes=(64,),
    ),
    Peer(
        "ZigZag 3.9.1",
        ("zigzag-dse==3.9.1", "six==1.17.0", "numpy==2.4.6", "onnx==1.23.2"),
        prepare_zigzag,
        f"{SIDE} x {SIDE} 8-bit multiply-accumulates with the TPU-like memories that ZigZag ships "
        "(array size and unrolling changed). An analytic cost model, including energy, finds the "
        "best temporal mapping of each layer. It has no event simulation, no LUT and no sub-bit "
        "weights",
    ),
)


def measured(command: list[str], folder: Path, log: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak MB of one process.

    Raises:
        RuntimeError: the process fails.

    """
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed, see {log}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run_peer(peer: Peer, cache: Path, size: int) -> Measured:
    """Set a peer up unless this is done, and run it."""
    workload = load_workload(MODEL, (size, size))
    folder = cache / peer.name.replace(" ", "-")
    python = folder / "venv/bin/python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *peer.requirements], check=True)
        (folder / "ready").touch()
    arguments = peer.prepare(folder, workload)
    spent = measured([str(python), *arguments], folder, folder / "log.txt")
    cycles = json.loads((folder / "cycles.json").read_text())
    return Measured(peer.name, size, *spent, round(sum(cycles)), peer.what)


def run_ours(cache: Path, size: int) -> list[Measured]:
    """Run the simulator with each engine, at 0.56 bit and at 1 bit in one process."""
    found = []
    for engine in ("fast", "event"):
        base = [sys.executable, "-m", "simulator", "--hw", "cofluent64", "--model", MODEL]
        base += ["--input-size", str(size)]
        log = cache / f"{engine}.json"
        line = [*base, "--bits", "0.56", "--engine", engine, "--json"]
        spent = measured(line, cache, log)
        said = json.loads(log.read_text())
        found.append(
            Measured(
                f"this simulator, `{engine}`",
                size,
                *spent,
                said["cycles"] + said["baseline"]["cycles"],
                "64 PEs with LUTs, 1-bit and sub-bit weights; every fill, fetch, accumulate, drain "
                "and DMA transfer of both runs (0.56 bit and 1 bit), with weight prefetch across "
                "layers. The run includes no energy and no mapping search",
            )
        )
    return found


def report(rows: list[Measured], failures: list[str]) -> str:
    lines = [
        "# Comparison with other simulators",
        "",
        f"Workload: the binary convolutions of ResNet-18 on {SIDE * SIDE} elements. "
        "`python benchmarks/peers/run.py` measures every tool once on one machine, each in its "
        "own environment. Times include start-up. The tools answer different questions; their "
        "cycles are therefore not comparable. The table compares the cost of running the tools.",
        "",
        "| tool | input | seconds | CPU seconds | peak MB | simulated cycles "
        "| cycles per CPU second |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {r.name} | {r.size}x{r.size} | {r.seconds:.2f} | {r.cpu_seconds:.2f} "
        f"| {r.peak_mb:.0f} | {r.cycles:,} | {r.cycles / r.cpu_seconds:,.0f} |"
        for r in rows
    ]
    lines += ["", "Scope of each tool:", ""]
    lines += [f"- **{name}**: {what}." for name, what in {r.name: r.what for r in rows}.items()]
    lines += [f"- {failure}" for failure in failures]
    return "\n".join(lines) + "\n"


def main() -> None:
    cache = Path(sys.argv[1] if len(sys.argv) > 1 else "out/peers").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    rows: list[Measured] = []
    failures: list[str] = []
    for size in SIZES:
        rows += run_ours(cache, size)
        for peer in reversed(PEERS):
            if size not in peer.sizes:
                continue
            try:
                rows.append(run_peer(peer, cache, size))
            except (RuntimeError, subprocess.CalledProcessError) as error:
                failures.append(f"**{peer.name}** at {size}x{size} did not run: {error}")
            (HERE / "README.md").write_text(report(rows, failures))


if __name__ == "__main__":
    main()
