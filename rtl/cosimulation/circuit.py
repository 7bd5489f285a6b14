"""Build the RTL with Verilator, once per set of parameters, and run layers on it."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass, fields
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

RTL = Path(__file__).resolve().parent.parent
TESTBENCH = Path(__file__).with_name("testbench.cpp")
BUILD = RTL.parent / "build" / "rtl"

EVENT_KINDS = ("fetch_indices", "fill", "direct", "accumulate", "drain")
"""Kinds of commands, indexed by the test bench's numbers; names as in the simulator's traces."""

_WARNINGS = ("-Wall",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Build-time parameters of the RTL: the parameters of `accelerator.sv`."""

    pes: int = 64
    dot_width: int = 9
    lut_entries: int = 32
    lut_banks: int = 2
    register_sets: int = 2
    """Number of sets of index registers."""
    accumulators: int = 4
    partial_sums: int = 128
    passes: int = 1
    """Largest number of LUT passes over a subset."""

    def generics(self) -> list[str]:
        """The parameters as Verilator's options."""
        return [f"-G{f.name.upper()}={getattr(self, f.name)}" for f in fields(self)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CircuitRun:
    """Command cycles and sums of one layer in the RTL."""

    events: dict[str, NDArray[np.int64]]
    """For each kind: [commands, 2] first cycle, and last cycle + 1."""
    sums: NDArray[np.int32]
    """[sums, 3] output pixel, output channel and sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Inputs of the test bench: registers, and memories as lines of hexadecimal words."""

    registers: list[int]
    memories: dict[str, list[str]]


def missing_tools() -> list[str]:
    """Missing programs that the build of the RTL needs."""
    return [tool for tool in ("verilator", "g++") if shutil.which(tool) is None]


def sources(folder: Path = RTL) -> list[Path]:
    """The RTL's files. The package comes first because Verilator reads files in order."""
    others = sorted(path for path in folder.glob("*.sv") if path.name != "machine.sv")
    return [folder / "lint.vlt", folder / "machine.sv", *others]


def lint(parameters: Parameters, folder: Path = RTL) -> str:
    """Verilator's warnings about the RTL; empty if it has none."""
    command = ["verilator", "--lint-only", *_WARNINGS, "--top-module", "accelerator"]
    done = subprocess.run(
        [*command, *parameters.generics(), *map(str, sources(folder))],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def build(
    parameters: Parameters,
    *,
    folder: Path = RTL,
    out: Path = BUILD,
    trace: bool = False,
    optimize: str = "-O1",
) -> Path:
    """Build the RTL in `folder` unless a build exists; return the test bench's path.

    Args:
        parameters: parameters of the RTL.
        folder: folder of the SystemVerilog.
        out: folder of the builds; each build's folder is named after its sources and parameters.
        trace: True to make waveforms possible. The test bench is then slower.
        optimize: optimization level of the C++ compiler.

    Raises:
        RuntimeError: Verilator or the compiler fails; the message is its output.

    """
    files = sources(folder)
    digest = hashlib.sha256(f"{parameters} {trace} {optimize}".encode())
    for path in [*files, TESTBENCH]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    target = out / digest.hexdigest()[:16]
    for path in (out, BUILD):
        path.mkdir(parents=True, exist_ok=True)
    with (out / f"{target.name}.lock").open("w") as lock, TemporaryDirectory(dir=out) as scratch:
        flock(lock, LOCK_EX)  # another process waits here for the same build
        if (target / "testbench").exists():
            return target / "testbench"
        _verilate(parameters, files, Path(scratch), trace)
        _compile(parameters, Path(scratch), trace, optimize)
        target.mkdir(exist_ok=True)
        (Path(scratch) / "testbench").replace(target / "testbench")
    return target / "testbench"


def _verilate(parameters: Parameters, files: list[Path], out: Path, trace: bool) -> None:
    """Translate the SystemVerilog to C++."""
    command = ["verilator", "--cc", "-O3", "--x-assign", "fast", "--no-timing", "--unroll-count"]
    command += ["8", "--top-module", "accelerator", "-Wno-fatal", *(["--trace"] if trace else [])]
    _call([*command, *parameters.generics(), "--Mdir", str(out), *map(str, files)])


def _compile(parameters: Parameters, out: Path, trace: bool, optimize: str) -> None:
    """Compile the C++ to the test bench, as one translation unit because that is faster."""
    include = _verilator_root() / "include"
    flags = ["-std=c++17", "-w", "-faligned-new", f"-I{include}", f"-I{include / 'vltstd'}"]
    flags += [f"-DVM_TRACE={int(trace)}"]
    runtime = [_runtime_object(include / f"{name}.cpp", flags) for name in _runtime(trace)]
    whole = out / "whole.cpp"
    whole.write_text("".join(f'#include "{path.name}"\n' for path in sorted(out.glob("V*.cpp"))))
    sizes = [f"-DPES={parameters.pes}", f"-DACCUMULATORS={parameters.accumulators}"]
    command = ["g++", optimize, *flags, *sizes, f"-I{out}", str(whole), str(TESTBENCH)]
    _call([*command, *map(str, runtime), "-pthread", "-latomic", "-o", str(out / "testbench")])


def _runtime(trace: bool) -> list[str]:
    """Names of Verilator's own C++ files that every test bench needs."""
    return ["verilated", "verilated_threads", *(["verilated_vcd_c"] if trace else [])]


def _runtime_object(source: Path, flags: list[str]) -> Path:
    """Compile a file of Verilator's runtime, once."""
    digest = hashlib.sha256(source.read_bytes() + " ".join(flags).encode()).hexdigest()
    target = BUILD / f"{source.stem}-{digest[:16]}.o"
    if not target.exists():
        with TemporaryDirectory(dir=BUILD) as scratch:
            built = Path(scratch) / target.name
            _call(["g++", "-O2", *flags, "-c", str(source), "-o", str(built)])
            built.replace(target)
    return target


def _verilator_root() -> Path:
    return Path(_call(["verilator", "--getenv", "VERILATOR_ROOT"]).strip())


def _call(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the circuit does not build:\n{done.stdout}{done.stderr}")
    return done.stdout


def run(
    testbench: Path,
    inputs: Inputs,
    *,
    max_cycles: int,
    inputs_at: int,
    indices_at: int,
    vcd: Path | None = None,
) -> CircuitRun:
    """Run a layer on built RTL.

    Args:
        testbench: path that `build` returned.
        inputs: registers and memories.
        max_cycles: number of cycles after which the run fails.
        inputs_at: first cycle in which DRAM's first input is on chip.
        indices_at: first cycle in which the first indices or kernels are on chip.
        vcd: file of the waveform; needs a build with `trace`.

    Raises:
        RuntimeError: the RTL does not finish in time; the message has the command.

    """
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "registers").write_text("\n".join(map(str, inputs.registers)))
        for name, lines in inputs.memories.items():
            (folder / name).write_text("".join(f"{line}\n" for line in lines))
        command = [str(testbench), "registers", "events", "sums"]
        command += [str(max_cycles), str(inputs_at), str(indices_at)]
        command += [] if vcd is None else [str(vcd.resolve())]
        command += [f"+{name}={name}" for name in inputs.memories]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the circuit failed: {done.stdout}{done.stderr}")
        events = np.fromfile(folder / "events", dtype=np.int64).reshape(-1, 3)
        sums = np.fromfile(folder / "sums", dtype=np.int32).reshape(-1, 3)
    by_kind = {kind: events[events[:, 0] == n, 1:] for n, kind in enumerate(EVENT_KINDS)}
    return CircuitRun(events=by_kind, sums=sums)
