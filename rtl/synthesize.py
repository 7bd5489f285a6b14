"""Hardware cost of the PE: Yosys synthesizes it to generic cells for several sets of parameters.

`python -m rtl.synthesize` writes reports/rtl_cells.md and .csv. A PE takes minutes. build/rtl keeps
the results; the command repeats a synthesis only after a change of the RTL.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from simulator.api.simulate import simulate
from simulator.machines import Hardware, load_hardware
from simulator.machines.cells import FLIP_FLOP, MUX, XNOR
from simulator.machines.families import family_of
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.workload import load_workload

RTL = Path(__file__).resolve().parent
SOURCES = ("dot", "lut", "accumulator", "picker", "line_buffer", "pe")
KEPT = RTL.parent / "build" / "rtl" / "synthesis"

CELLS = {
    "$_NOT_": Fraction(2, 3),
    "$_NAND_": Fraction(1),
    "$_NOR_": Fraction(1),
    "$_AND_": Fraction(4, 3),
    "$_OR_": Fraction(4, 3),
    "$_ANDNOT_": Fraction(4, 3),
    "$_ORNOT_": Fraction(4, 3),
    "$_XOR_": XNOR,
    "$_XNOR_": XNOR,
    "$_MUX_": MUX,
    "$_DFF_P_": FLIP_FLOP,
    "$_DFFE_PP_": FLIP_FLOP + MUX,  # a multiplexer keeps the old value
}
"""Gate equivalents of Yosys's cells, from the library of simulator/machines/lut_array/area.py."""

_PE_PARTS = ("dot", "input_registers", "lut", "index_registers", "accumulators", "line_buffer")
"""Parts of the area proxy's PE. The PE of the RTL receives its kernels and has no subset buffer."""

SUM_BITS = 16
DOT_BITS = 5


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A PE, and the index width at which it runs."""

    name: str
    tau: int | None
    """Index width in bits at which the PE runs ResNet-18; None: 1 bit per weight."""
    parameters: dict[str, int] = field(default_factory=dict)
    """Parameters of pe.sv that differ from the paper's."""

    def value(self, name: str) -> int:
        """Value of a parameter: the paper's, unless this PE overrides it."""
        return self.parameters.get(name, PAPER[name])

    @property
    def storage_bits(self) -> dict[str, int]:
        """Number of bits that each part of the PE stores; each is a flip-flop, even in memories."""
        outputs = self.value("PARTIAL_SUMS")
        table_bits = self.value("LUT_BANKS") * self.value("LUT_ENTRIES") * DOT_BITS
        return {
            "index_registers": 2 * outputs * self.value("INDEX_BITS"),
            "table": self.value("TABLE") * table_bits,
            "line_buffer": outputs * SUM_BITS,
            "picker": outputs if self.value("PASSES") > 1 else 0,
        }


PAPER = {
    "INDEX_BITS": 9,
    "LUT_ENTRIES": 32,
    "LUT_BANKS": 2,
    "ACCUMULATORS": 4,
    "PARTIAL_SUMS": 128,
    "PASSES": 1,
    "TABLE": 1,
    "BYPASS": 1,
}

BNN = Variant(name="BNN", tau=None, parameters={"TABLE": 0, "ACCUMULATORS": 1})
VARIANTS = (
    BNN,
    Variant(name="SNN (paper)", tau=5),
    Variant(name="SNN, no 1-bit layers", tau=5, parameters={"BYPASS": 0, "INDEX_BITS": 5}),
    Variant(name="SNN, one bank", tau=5, parameters={"LUT_BANKS": 1}),
    Variant(name="SNN, 16 entries", tau=4, parameters={"LUT_ENTRIES": 16}),
    Variant(
        name="SNN, 16 entries, 8 accumulators",
        tau=4,
        parameters={"LUT_ENTRIES": 16, "ACCUMULATORS": 8},
    ),
    Variant(name="SNN, 64 entries", tau=6, parameters={"LUT_ENTRIES": 64}),
    Variant(name="SNN, 32 entries in passes", tau=6, parameters={"PASSES": 16}),
)


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """Yosys's counts for a synthesized PE."""

    cells: int
    flip_flops: int
    longest_path: int
    """Number of gates on the longest path between flip-flops or ports."""
    gate_equivalents: int
    """Area in 2-input NANDs, with the cell sizes of the area proxy."""


def synthesize(parameters: dict[str, int], folder: Path = RTL) -> Netlist:
    """Synthesize the PE to two-input gates, multiplexers and flip-flops.

    Raises:
        RuntimeError: Yosys fails; the message is the output of Yosys.

    """
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    files = [folder / f"{name}.sv" for name in SOURCES]
    for file in files:
        digest.update(file.read_bytes())
    kept = KEPT / digest.hexdigest()[:16]
    if not (kept / "stat.json").exists():
        _yosys(parameters, files, kept)
    counts = json.loads((kept / "stat.json").read_text())["design"]["num_cells_by_type"]
    longest = re.search(r"length=(\d+)", (kept / "ltp.txt").read_text())
    assert longest is not None
    return Netlist(
        cells=sum(counts.values()),
        flip_flops=sum(number for name, number in counts.items() if "DFF" in name),
        longest_path=int(longest[1]),
        gate_equivalents=round(sum(number * CELLS[name] for name, number in counts.items())),
    )


def _yosys(parameters: dict[str, int], files: list[Path], kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    settings = " ".join(f"-chparam {name} {value}" for name, value in parameters.items())
    script = [
        "read_verilog -sv " + " ".join(map(str, files)),
        f"hierarchy -top pe {settings}",
        "synth -flatten -top pe",  # maps memories to flip-flops, and ends with abc
        f"tee -o {kept}/ltp.txt ltp -noff",
        f"tee -o {kept}/stat.part stat -json",
    ]
    done = subprocess.run(
        ["yosys", "-q", "-p", "; ".join(script)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"Yosys did not synthesize the PE:\n{done.stdout}{done.stderr}")
    (kept / "stat.part").replace(kept / "stat.json")


def _hardware(variant: Variant) -> Hardware:
    keys = ("LUT_ENTRIES", "LUT_BANKS", "ACCUMULATORS", "PARTIAL_SUMS")
    pe = [f"array.pe.{key.lower()}={variant.value(key)}" for key in keys]
    if not variant.value("TABLE"):
        pe.append("array.pe.lut_entries=none")
    return load_hardware("cofluent64", pe)


def _speedup(variant: Variant) -> float:
    """Cycles of ResNet-18 at 1 bit over the cycles at this PE's tau, on 64 of these PEs."""
    if variant.tau is None:
        return 1.0
    run, baseline = simulate(load_workload("r18"), _hardware(variant), tau=variant.tau).runs
    return baseline.cycles / run.cycles


def _proxy(variant: Variant) -> int:
    """Area of this PE by the area proxy of the energy report, in gate equivalents."""
    hardware = _hardware(variant)
    parts = family_of(hardware).area(hardware, ())
    assert hardware.pes is not None  # an array has PEs of its own
    return round(sum(parts[part] for part in _PE_PARTS) / hardware.pes)


def rows(variants: tuple[Variant, ...] = VARIANTS) -> list[Row]:
    """One row per PE; the first PE is the reference of the others."""
    found = []
    for variant in variants:
        print(f"{variant.name} ...", file=sys.stderr, flush=True)
        found.append((variant, synthesize(variant.parameters), _speedup(variant)))
    base = found[0][1]
    return [
        {
            "pe": variant.name,
            "tau": variant.tau or "1 bit",
            "cells": netlist.cells,
            "gates": netlist.cells - netlist.flip_flops,
            "flip_flops": netlist.flip_flops,
            **{f"{part}_bits": bits for part, bits in variant.storage_bits.items()},
            "gate_equivalents": netlist.gate_equivalents,
            "area_proxy_ge": _proxy(variant),
            "longest_path_gates": netlist.longest_path,
            "cells_to_bnn": f"{netlist.cells / base.cells:.2f}",
            "speedup_r18": f"{speedup:.2f}",
            "speedup_per_cell": f"{speedup * base.cells / netlist.cells:.2f}",
        }
        for variant, netlist, speedup in found
    ]


def write(folder: Path) -> list[Path]:
    """Write rtl_cells.md and rtl_cells.csv."""
    made = rows()
    shown = [
        {key: value for key, value in row.items() if not key.endswith("_bits")} for row in made
    ]
    return [
        write_report(
            folder / "rtl_cells.md",
            "Hardware cost of the LUT and the accumulators",
            "python -m rtl.synthesize",
            [
                "Yosys synthesizes one PE of `rtl/pe.sv` to generic cells: two-input gates, "
                "two-way multiplexers and flip-flops. The netlist has no cell library and no "
                "layout. The counts compare PEs with each other and are not areas. Memories "
                "(LUT, index registers, partial-sum buffer) count as flip-flops with the "
                "multiplexers that read and write them; SRAM macros would be several times "
                "smaller. `rtl_cells.csv` has the bits of each part.\n",
                table(shown),
                "- *gate equivalents*: the cells at the sizes of the area proxy. A flip-flop "
                "that keeps its value has a multiplexer.\n"
                "- *area proxy*: the PE in `simulator/machines/lut_array/area.py`, without "
                "control, without the picker of a PE with passes, and without the store of the "
                "subset. The "
                "PE of the RTL receives the kernels of the subset.\n"
                "- *longest path*: gates in a row between two flip-flops in Yosys's netlist. The "
                "PE has no pipeline registers, and `abc` optimizes area.\n"
                "- *speedup*: cycles of ResNet-18 at 1 bit over cycles at this tau, on 64 of "
                "these PEs and the memory of `cofluent64`.\n"
                "- *speedup per cell*: the speedup over the cells, both relative to the plain "
                "BNN PE.\n"
                "- *in passes*: in every cycle the PE picks the next outputs whose index is in "
                "the LUT from all remaining outputs. Any accumulator can reach any sum.\n",
            ],
        ),
        write_csv(folder / "rtl_cells.csv", made),
    ]


def main() -> None:
    """Write the report, or report the missing tool."""
    if shutil.which("yosys") is None:
        print(
            "rtl.synthesize: Yosys is not installed (Debian: apt-get install yosys)",
            file=sys.stderr,
        )
        sys.exit(2)
    for path in write(RTL.parent / "reports"):
        print(path.relative_to(RTL.parent))


if __name__ == "__main__":
    main()
