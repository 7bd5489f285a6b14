"""`equal_area.md`: the paper's array and a systolic array of equal area, in full precision too."""

from collections.abc import Sequence
from pathlib import Path

from simulator.analysis.performance import OPERATIONS_PER_MAC
from simulator.analysis.title import layers_title
from simulator.api.result import Result
from simulator.api.simulate import simulate
from simulator.base.progress import Progress, announce
from simulator.base.wording import listed, percent
from simulator.machines import Hardware, load_hardware, value_of
from simulator.machines.families import family_of
from simulator.paper.equal_area import (
    DATAFLOWS,
    FULL_PRECISION,
    NETWORK,
    OPERAND_BITS,
    REFERENCE,
    SCRATCHPADS,
    STEP_KIB,
    SYSTOLIC,
    WITHIN,
    Candidate,
    Search,
    area_of,
    search,
)
from simulator.paper.markdown import Row, table, write_csv, write_report
from simulator.workload import configure, load_workload
from simulator.workload.scope import Scope

RUNS: tuple[tuple[Scope, float], ...] = (
    ("binary", 1),
    ("binary", 0.56),
    ("weights", 1),
    ("weights", 0.56),
    ("weights", FULL_PRECISION),
)
"""Scope and bits per weight of the runs on each machine."""
ENERGY = "45nm"
_PARTS = 4
"""Parts of the logic that the report names."""
ROOM = ("memory.index_buffer.kib=544", "memory.activation_buffer.kib=96")
"""Another division of the reference's SRAM, for full precision.

Its activation buffer of 64 KiB is too small for one step of `layer2.0.conv1`. The logic and the
capacity stay the same.
"""


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write equal_area.md, equal_area.csv and equal_area_candidates.csv."""
    found = search(progress)
    announce(progress, "equal area, the runs")
    machines = (load_hardware(REFERENCE), load_hardware(SYSTOLIC))
    rows = run_rows()
    candidates = candidate_rows(found)
    return [
        write_report(
            folder / "equal_area.md",
            "The paper's array and a systolic array of equal area",
            "simulate reproduce equal-area",
            [
                _intro(found),
                "## Area\n\n"
                "Gate equivalents (docs/energy.md) for 1-bit activations, without wires and "
                "control. SRAM: the cells of the buffers. Logic: all other parts, with the ports "
                "of the buffers.\n",
                table(area_rows(machines)),
                "Largest parts of the logic:\n\n" + "".join(map(_largest_parts, machines)),
                "## Runs\n\n"
                f"{_layers()}Batch 1. The energy is that of the table {ENERGY}. TOPS: "
                f"{OPERATIONS_PER_MAC} operations per MAC of the layers in the row's scope, for "
                "operands of any width. Every column covers the layers in scope.\n",
                table(rows),
                _changes(),
                "## Search\n\n"
                f"{_method(found)}\n\nThe fastest array of each kind at {FULL_PRECISION} bits:\n",
                table([_candidate(one, found) for one in found.of_kinds()]),
                "`equal_area_candidates.csv` has every candidate.\n",
            ],
        ),
        write_csv(folder / "equal_area.csv", rows),
        write_csv(folder / "equal_area_candidates.csv", candidates),
    ]


def _intro(found: Search) -> str:
    shape = load_hardware(SYSTOLIC)
    rows, columns = value_of(shape, "array.rows"), value_of(shape, "array.columns")
    own = area_of(shape)
    logic, sram = own.differences(found.reference)
    verdict = f"within {percent(WITHIN)}" if own.equals(found.reference) else "the nearest found"
    return (
        f"`{SYSTOLIC}` has {rows} x {columns} PEs. Its logic differs by {_more(logic)} "
        f"from that of `{REFERENCE}`, its SRAM by {_more(sram)} ({verdict}). "
        "Both machines have the same clock and the same DRAM. The systolic array does not compute "
        "dot products by lookup. Its PEs are multipliers with XNORs for 1-bit products. These "
        "are results of this simulator; the paper does not have them.\n"
    )


def _layers() -> str:
    """Return a line per scope and kind of network with the layers that run."""
    lines: dict[str, None] = {}
    for scope, bits in RUNS:
        kind = "full precision" if bits == FULL_PRECISION else "1 and 0.56 bit"
        network = configure(load_workload(NETWORK), bits=bits, scope=scope)
        lines[f"- `{scope}`, {kind}: {layers_title(network)}"] = None
    return "\n".join([*lines, "\n"])


def _changes() -> str:
    return (
        f"At {FULL_PRECISION} bits, `{REFERENCE}` runs with `{' '.join(ROOM)}`: its own activation "
        "buffer of 64 KiB is too small for one step of `layer2.0.conv1`. This division has the "
        f"same area. Full-precision layers of `{REFERENCE}` run on its MAC unit; binary layers of "
        f"`{SYSTOLIC}` run bit by bit in its PEs (docs/systolic.md).\n"
    )


def _method(found: Search) -> str:
    kinds = len(DATAFLOWS) * len(OPERAND_BITS)
    sizes = ", ".join(map(str, OPERAND_BITS))
    return (
        f"A kind of array is a dataflow (of {len(DATAFLOWS)}) and the bits of an operand (of "
        f"{sizes}). For each of the {kinds} kinds, the search tries n x n, n x (n + 1), and (n + "
        "1) x n PEs for all n and keeps the array whose logic is closest. It divides the SRAM into "
        f"three scratchpads in every way, in steps of {STEP_KIB} KiB. Logic and SRAM do not depend "
        "on each other, therefore the result is exact for these sizes. "
        f"{len(found.equal)} of {len(found.candidates)} candidates are within {percent(WITHIN)} in "
        f"both areas. Each runs `{NETWORK}` at {FULL_PRECISION} bits. {_fastest(found)}"
    )


def _fastest(found: Search) -> str:
    """Return a sentence on the fastest candidate, which should be the shipped file."""
    best = load_hardware(SYSTOLIC, found.best.settings)
    if best == load_hardware(SYSTOLIC):
        return f"The fastest is `{SYSTOLIC}`."
    return f"`{SYSTOLIC}` is not the fastest. The fastest has {' '.join(found.best.settings)}."


def area_rows(machines: Sequence[Hardware]) -> list[Row]:
    """Return the areas of both machines, and the difference of the second from the first."""
    areas = [area_of(machine) for machine in machines]
    rows: list[Row] = [
        {
            "machine": f"`{machine.name}`",
            "PEs": machine.pes,
            "logic (GE)": f"{area.logic:,}",
            "SRAM (GE)": f"{area.sram:,}",
            "total (GE)": f"{sum(area):,}",
        }
        for machine, area in zip(machines, areas, strict=True)
    ]
    first, second = areas
    logic, sram = second.differences(first)
    both = sum(second) / sum(first) - 1
    return [
        *rows,
        {
            "machine": "difference",
            "PEs": "",
            "logic (GE)": _more(logic),
            "SRAM (GE)": _more(sram),
            "total (GE)": _more(both),
        },
    ]


def _largest_parts(machine: Hardware) -> str:
    """Return a line with the parts that take most of a machine's logic."""
    family, logic = family_of(machine), area_of(machine).logic
    parts = family.area(machine, ())
    largest = sorted(parts.keys() - family.buffers, key=lambda part: -parts[part])[:_PARTS]
    named = listed([f"`{part}` {percent(parts[part] / logic)}" for part in largest])
    return f"- `{machine.name}`: {named}\n"


def _more(difference: float) -> str:
    """Return a relative difference in percent with two decimals."""
    return f"{100 * difference:+.2f} %"


def run_rows() -> list[Row]:
    """Run the network on both machines at every bit width."""
    return [
        _row(result_of(machine, bits, scope), bits)
        for scope, bits in RUNS
        for machine in (REFERENCE, SYSTOLIC)
    ]


def result_of(machine: str, bits: float, scope: Scope) -> Result:
    """Run the network on one of the two machines, without a baseline.

    Args:
        machine: `REFERENCE` or `SYSTOLIC`.
        bits: bits per weight.
        scope: the layers that run.

    """
    settings = ROOM if machine == REFERENCE and bits == FULL_PRECISION else ()
    return simulate(
        load_workload(NETWORK),
        load_hardware(machine, settings),
        bits=bits,
        baseline_bits="none",
        scope=scope,
    ).with_energy(ENERGY)


def _row(result: Result, bits: float) -> Row:
    moved = result.run.dram_bytes
    return {
        "scope": result.run.workload.scope,
        "bits": f"{bits:g}",
        "machine": f"`{result.hardware.name}`",
        "cycles": f"{result.cycles:,}",
        "time (ms)": f"{result.time_ms:.3f}",
        "images/s": f"{result.images_per_second:,.1f}",
        "TOPS": f"{result.tops:.3f}",
        "energy per image (µJ)": f"{result.energy_uj_per_image:,.0f}",
        "TOPS/W": f"{result.tops_per_watt:.3f}",
        "DRAM read (MB)": f"{moved['read'] / 1e6:.2f}",
        "DRAM written (MB)": f"{moved['written'] / 1e6:.2f}",
    }


def candidate_rows(found: Search) -> list[Row]:
    """Return every candidate of the search."""
    return [_candidate(one, found) for one in found.candidates]


def _candidate(one: Candidate, found: Search) -> Row:
    logic, sram = one.area.differences(found.reference)
    names = (name.removeprefix("memory.").removesuffix("_scratchpad.kib") for name in SCRATCHPADS)
    return {
        "dataflow": one.kind.dataflow,
        "operand bits": one.kind.operand_bits,
        "PEs": f"{one.rows} x {one.columns}",
        f"{', '.join(names)} (KiB)": ", ".join(map(str, one.kib)),
        "logic": _more(logic),
        "SRAM": _more(sram),
        f"time at {FULL_PRECISION} bits (ms)": f"{one.time_ms:.3f}",
    }
