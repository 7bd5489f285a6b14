"""A systolic array with the area of the paper's array, found by an exact search over its sizes.

Two machines have equal area if their logic and their SRAM cells are each within `WITHIN` of each
other, in gate equivalents. The logic of a systolic array does not depend on the capacity of its
scratchpads, and its SRAM cells do not depend on its rows and columns. The search therefore finds
both apart from each other, and then runs every candidate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, product
from math import inf
from typing import NamedTuple

from simulator.analysis.running import run_one
from simulator.base.errors import InputError
from simulator.base.progress import Progress, announce
from simulator.machines import Hardware, load_hardware
from simulator.machines.families import family_of
from simulator.workload import Workload, configure, load_workload

REFERENCE = "cofluent64"
SYSTOLIC = "systolic-equal-area"
"""The shipped file of the array that the search finds; the search overrides all keys it decides."""
NETWORK = "r18"
FULL_PRECISION = 32
WITHIN = 0.02
"""The largest difference of the logic, and of the SRAM, as a fraction of the reference."""
DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
OPERAND_BITS = (8, 16, 32)
STEP_KIB = 64
"""The step of a scratchpad's capacity."""
SCRATCHPADS = tuple(f"memory.{name}_scratchpad.kib" for name in ("input", "weight", "output"))


class Area(NamedTuple):
    """Gate equivalents of a machine for 1-bit activations."""

    logic: int
    """All parts except the cells of buffers."""
    sram: int
    """The cells of buffers."""

    def differences(self, other: "Area") -> tuple[float, float]:
        """Logic and SRAM over those of another machine, less 1."""
        return self.logic / other.logic - 1, self.sram / other.sram - 1

    def equals(self, other: "Area") -> bool:
        """True if logic and SRAM are each within `WITHIN` of those of another machine."""
        return all(abs(difference) <= WITHIN for difference in self.differences(other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """An array without its sizes: dataflow and PEs."""

    dataflow: str
    operand_bits: int
    """Bits of both operands of a PE; also its XNORs of 1-bit operands."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Overrides of the shipped file."""
        pe = dict.fromkeys(("input_bits", "weight_bits", "dot_width"), self.operand_bits)
        return (
            f"array.dataflow={self.dataflow}",
            *(f"array.pe.{name}={bits}" for name, bits in pe.items()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A systolic array, with the time of the network in full precision if it can run it."""

    kind: Kind
    rows: int
    columns: int
    kib: tuple[int, ...]
    """Capacities of `SCRATCHPADS`."""
    area: Area
    time_ms: float = inf
    """Infinite if it cannot run the network, and before its run."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Overrides of the shipped file."""
        sizes = (f"{name}={size}" for name, size in zip(SCRATCHPADS, self.kib, strict=True))
        return (*_shaped(self.kind, self.rows, self.columns), *sizes)


def area_of(hardware: Hardware) -> Area:
    """Return logic and SRAM of a machine, wide enough for 1-bit activations."""
    family = family_of(hardware)
    parts = family.area(hardware, ())
    sram = sum(parts.get(part, 0) for part in family.buffers)
    return Area(sum(parts.values()) - sram, sram)


def shape_of(kind: Kind, reference: Area) -> tuple[int, int]:
    """Return the rows and columns of a kind whose logic is closest to the reference's.

    The shapes are n x n, n x (n + 1), and (n + 1) x n, for every n. Logic grows with n. The search
    therefore ends at the first n whose n x n array has more logic than the reference.
    """
    closest, shape = float("inf"), (1, 1)
    for n in count(1):
        for rows, columns in ((n, n), (n, n + 1), (n + 1, n)):
            logic = area_of(load_hardware(SYSTOLIC, _shaped(kind, rows, columns))).logic
            if abs(logic - reference.logic) < closest:
                closest, shape = abs(logic - reference.logic), (rows, columns)
            if (rows, columns) == (n, n) and logic > reference.logic:
                return shape
    raise AssertionError  # count never ends


def divisions(reference: Area) -> Iterator[tuple[int, ...]]:
    """Yield every division of the SRAM into scratchpads, in steps of `STEP_KIB`.

    Their sum is the multiple of `STEP_KIB` whose SRAM is closest to the reference's.
    """
    one_step = load_hardware(SYSTOLIC, [f"{name}={STEP_KIB}" for name in SCRATCHPADS])
    steps = round(len(SCRATCHPADS) * reference.sram / area_of(one_step).sram)
    for parts in product(range(1, steps), repeat=len(SCRATCHPADS)):
        if sum(parts) == steps:
            yield tuple(STEP_KIB * part for part in parts)


def candidates(kind: Kind, reference: Area) -> Iterator[Candidate]:
    """Yield a candidate per division of the SRAM, without its time; its area may not be equal."""
    rows, columns = shape_of(kind, reference)
    for kib in divisions(reference):
        sizes = [f"{name}={size}" for name, size in zip(SCRATCHPADS, kib, strict=True)]
        area = area_of(load_hardware(SYSTOLIC, [*_shaped(kind, rows, columns), *sizes]))
        yield Candidate(kind=kind, rows=rows, columns=columns, kib=kib, area=area)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The candidates with their times, and the area that they are to have."""

    reference: Area
    candidates: tuple[Candidate, ...]

    @property
    def equal(self) -> list[Candidate]:
        """The candidates of equal area."""
        return [one for one in self.candidates if one.area.equals(self.reference)]

    @property
    def best(self) -> Candidate:
        """The fastest candidate of equal area; if there is none, the one closest in area."""
        if self.equal:
            return min(self.equal, key=lambda one: one.time_ms)
        return min(self.candidates, key=self._distance)

    def of_kinds(self) -> list[Candidate]:
        """The fastest candidate of every kind, the fastest kind first."""
        kinds: dict[Kind, Candidate] = {}
        for one in sorted(self.candidates, key=lambda one: one.time_ms):
            kinds.setdefault(one.kind, one)
        return list(kinds.values())

    def _distance(self, one: Candidate) -> float:
        return max(map(abs, one.area.differences(self.reference)))


def search(progress: Progress | None = None) -> Search:
    """Run the network in full precision on every candidate.

    Args:
        progress: called before every candidate.

    """
    reference = area_of(load_hardware(REFERENCE))
    network = configure(load_workload(NETWORK), bits=FULL_PRECISION, scope="weights")
    kinds = [Kind(dataflow=flow, operand_bits=n) for flow, n in product(DATAFLOWS, OPERAND_BITS)]
    found = [one for kind in kinds for one in candidates(kind, reference)]
    timed = []
    for number, one in enumerate(found):
        announce(progress, f"equal area, candidate {number + 1} of {len(found)}")
        timed.append(replace(one, time_ms=_time(network, one.settings)))
    return Search(reference=reference, candidates=tuple(timed))


def _time(network: Workload, settings: Sequence[str]) -> float:
    """Milliseconds of a network on an array; infinite if a layer does not fit."""
    try:
        return run_one(network, load_hardware(SYSTOLIC, settings)).time_ms
    except InputError:
        return inf


def _shaped(kind: Kind, rows: int, columns: int) -> tuple[str, ...]:
    """Return the overrides of a kind and its rows and columns; a transfer has as many steps."""
    shape = {"array.rows": rows, "array.columns": columns, "memory.transfer_steps": rows}
    return (*kind.settings, *(f"{name}={size}" for name, size in shape.items()))
