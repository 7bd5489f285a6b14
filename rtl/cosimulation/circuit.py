"""Builds the circuit with Verilator, once per set of parameters, and runs layers on it."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

RTL = Path(__file__).resolve().parent.parent
TESTBENCH = Path(__file__).with_name("testbench.cpp")
BUILD = RTL.parent / "build" / "rtl"

EVENT_KINDS = ("fetch_indices", "fill", "direct", "accumulate", "drain")
"""Kinds of commands as the test bench numbers them; names as in the simulator's traces."""

_WARNINGS = ("-Wall", "--unroll-count", "1024")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What is fixed when the circuit is built: the parameters of `accelerator.sv`."""

    pes: int = 64
    dot_width: int = 9
    lut_entries: int = 32
    lut_banks: int = 2
    accumulators: int = 4
    partial_sums: int = 128
    passes: int = 1
    """Most passes over a subset."""

    def generics(self) -> list[str]:
        """The parameters as Verilator's options."""
        return [f"-G{f.name.upper()}={getattr(self, f.name)}" for f in fields(self)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CircuitRun:
    """What the circuit did with one layer."""

    events: dict[str, NDArray[np.int64]]
    """By kind: [commands, 2] first cycle and the cycle behind the last."""
    sums: NDArray[np.int32]
    """[sums, 3] output pixel, output channel, sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the test bench reads: registers, and memories as lines of hexadecimal words."""

    registers: list[int]
    memories: dict[str, list[str]]


def missing_tools() -> list[str]:
    """Programs that building the circuit needs and this machine lacks."""
    return [tool for tool in ("verilator", "make", "g++") if shutil.which(tool) is None]


def sources(folder: Path = RTL) -> list[Path]:
    """The circuit's files; packages first, since Verilator reads in order."""
    return [folder / "lint.vlt", folder / "machine.sv"] + sorted(
        path for path in folder.glob("*.sv") if path.name != "machine.sv"
    )


def lint(parameters: Parameters, folder: Path = RTL) -> str:
    """Verilator's complaints about the circuit, empty if there are none."""
    command = ["verilator", "--lint-only", *_WARNINGS, "--top-module", "accelerator"]
    done = subprocess.run(
        [*command, *parameters.generics(), *map(str, sources(folder))],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def build(
    parameters: Parameters, *, folder: Path = RTL, trace: bool = False, optimize: str = "-O2"
) -> Path:
    """Build the circuit in `folder`, or find it built; return the test bench's path.

    Args:
        parameters: of the circuit.
        folder: where the SystemVerilog is.
        trace: can write a waveform (and is slower).
        optimize: the C++ compiler's level.

    Raises:
        RuntimeError: Verilator or the compiler fails; the message is theirs.

    """
    files = sources(folder)
    digest = hashlib.sha256(f"{parameters} {trace} {optimize}".encode())
    for path in [*files, TESTBENCH]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    target = BUILD / digest.hexdigest()[:16]
    if (target / "testbench").exists():
        return target / "testbench"
    BUILD.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=BUILD) as scratch:
        _verilate(parameters, files, Path(scratch), trace, optimize)
        target.mkdir(exist_ok=True)
        (Path(scratch) / "testbench").replace(target / "testbench")
    return target / "testbench"


def _verilate(
    parameters: Parameters, files: list[Path], out: Path, trace: bool, optimize: str
) -> None:
    macros = f"-DPES={parameters.pes} -DACCUMULATORS={parameters.accumulators} -std=c++17"
    command = ["verilator", "--cc", "--exe", "--build", "-j", "1", "-O3", "--x-assign", "fast"]
    command += ["--no-timing", "--top-module", "accelerator", "-o", "testbench"]
    command += [*_WARNINGS, *(["--trace"] if trace else []), *parameters.generics()]
    command += ["-CFLAGS", macros, "-MAKEFLAGS", f"OPT_FAST={optimize} OPT_SLOW=-O0"]
    command += ["--Mdir", str(out), *map(str, files), str(TESTBENCH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the circuit does not build:\n{done.stdout}{done.stderr}")


def run(testbench: Path, inputs: Inputs, *, max_cycles: int, vcd: Path | None = None) -> CircuitRun:
    """Run a layer on a built circuit.

    Args:
        testbench: what `build` returned.
        inputs: registers and memories.
        max_cycles: give up after as many.
        vcd: where to write the waveform, if the circuit was built to.

    Raises:
        RuntimeError: the circuit is not done in time; the message has the command.

    """
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "registers").write_text("\n".join(map(str, inputs.registers)))
        for name, lines in inputs.memories.items():
            (folder / name).write_text("".join(f"{line}\n" for line in lines))
        command = [str(testbench), "registers", "events", "sums", str(max_cycles)]
        command += [] if vcd is None else [str(vcd.resolve())]
        command += [f"+{name}={name}" for name in inputs.memories]
        environment = {k: v for k, v in os.environ.items() if k != "VERILATOR_ROOT"}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the circuit failed: {done.stdout}{done.stderr}")
        events = np.fromfile(folder / "events", dtype=np.int64).reshape(-1, 3)
        sums = np.fromfile(folder / "sums", dtype=np.int32).reshape(-1, 3)
    by_kind = {kind: events[events[:, 0] == n, 1:] for n, kind in enumerate(EVENT_KINDS)}
    return CircuitRun(events=by_kind, sums=sums)
