"""Compare sub-bit and 1-bit weights, each on its own best accelerator of the same cost.

The paper compares both on PEs with one dot unit, four accumulators and a LUT. 1-bit weights use one
of the four accumulators. In this comparison, every bit width chooses its accelerator within an area
and an index port. No publication has this comparison; its numbers are this simulator's alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.base.progress import Progress
from simulator.base.tabular import read_rows
from simulator.studies import Study, grid_study, run_study
from simulator.studies.axes import axis_of
from simulator.studies.columns import point_columns
from simulator.studies.fronts import AREA, Front, FrontGroup, front_of
from simulator.studies.point_numbers import Floats

HARDWARE = "cofluent64"
ONE_BIT, SUB_BIT = 9, 5
"""The taus of the comparison: 1 bit and 0.56 bit."""
CLOSE = 1.01
"""An accelerator is among the best if it takes at most 1 % more time than the fastest."""
PES = "array.pes"
DOTS = "array.pe.dots_per_cycle"
LUT = "array.pe.lut_entries"
SUBSET = "array.pe.subset_entries"
PORT = "memory.index_buffer.bytes_per_cycle"
KIB = "memory.index_buffer.kib"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Space:
    """Networks, activation bits, bit widths and accelerators of the comparison."""

    networks: tuple[str, ...] = ("r18", "r34", "vgg-small")
    activation_bits: tuple[int, ...] = (1, 2, 4, 8)
    taus: tuple[int, ...] = (4, 5, 6)
    """Taus of sub-bit weights."""
    pes: tuple[int, ...] = (64, 128)
    dots: tuple[int, ...] = (1, 2, 3, 4)
    ports: tuple[int, ...] = (40, 80, 128, 160, 288, 320, 576)
    """Index ports in B/cycle.

    They include the demand of 64 and 128 PEs with four accumulators at tau = 5 and 9.
    """
    index_kib: tuple[int, ...] = (144, 288, 576)
    """Index buffers: twice the largest 1-bit layer of ResNet-18, and 1/2 and 1/4 of that size."""

    @property
    def falling_taus(self) -> list[int]:
        """The taus of sub-bit weights in descending order, as in reports."""
        return sorted(self.taus, reverse=True)

    def study(self, tau: int) -> Study:
        """Return all points of one bit width.

        A 1-bit network needs neither a LUT nor storage for a subset. A sub-bit network needs the
        storage, and a LUT to share products.
        """
        size = None if tau == ONE_BIT else 2**tau
        keys: dict[str, Sequence[object]] = {
            PES: self.pes,
            DOTS: self.dots,
            LUT: ("none",) if size is None else ("none", size),
            SUBSET: ("none",) if size is None else (size,),
            PORT: self.ports,
            KIB: self.index_kib,
        }
        said = {"model": self.networks, "activation_bits": self.activation_bits, "tau": [tau]}
        axes = [axis_of("hw", HARDWARE), *(axis_of(k, v) for k, v in (said | keys).items())]
        return grid_study(axes)


@dataclass(frozen=True, kw_only=True)
class Fair:
    """The runs of every network on every accelerator, and the results from these runs."""

    space: Space
    rows: tuple[Row, ...]
    """Rows of the studies (docs/sweep.md)."""

    def chosen(self, network: str, activation_bits: int, tau: int, port: float = np.inf) -> "Rows":
        """The runs of one network and bit width on accelerators within an index port.

        Args:
            network: a network of the space.
            activation_bits: activation bits of the space.
            tau: index width; 9 is 1 bit.
            port: largest index port in B/cycle.

        """
        rows = self._runs[network, activation_bits, tau]
        return Rows(tuple(row for row in rows if row[f"hw.{PORT}"] <= port))

    @cached_property
    def _runs(self) -> dict[tuple[str, int, int], list[Row]]:
        """The runs by network, activation bits, and tau."""
        found: dict[tuple[str, int, int], list[Row]] = {}
        for row in self.rows:
            key = (row["model"], row["activation_bits"], row["tau"])
            found.setdefault(key, []).append(row)
        return found

    def group(self, network: str, activation_bits: int) -> FrontGroup:
        """The Pareto fronts of all bit widths."""
        return FrontGroup(
            axis="bits",
            same={"model": network, "activation_bits": activation_bits},
            fronts=tuple(
                self.chosen(network, activation_bits, tau).front(bits_of(tau))
                for tau in (ONE_BIT, *self.space.falling_taus)
            ),
        )

    def over_one_bit(
        self, network: str, activation_bits: int, tau: int, areas: Floats
    ) -> NDArray[np.float64]:
        """Time at 1 bit over time at tau, each on its fastest accelerator within an area.

        Args:
            network: a network of the space.
            activation_bits: activation bits of the space.
            tau: index width of the sub-bit weights.
            areas: [areas] gate equivalents.

        Returns:
            [areas] the ratio. If only 1 bit has an accelerator within the area, the ratio is 0; if
            only tau has an accelerator, infinite; if neither has an accelerator, nan.

        """
        one = self.chosen(network, activation_bits, ONE_BIT).front(1).times(areas)
        sub = self.chosen(network, activation_bits, tau).front(0).times(areas)
        found = np.full(len(areas), np.nan)
        np.divide(one, sub, out=found, where=np.isfinite(one) | np.isfinite(sub))
        return found

    @property
    def cases(self) -> list[tuple[str, int]]:
        """All pairs of a network and activation bits."""
        return [*product(self.space.networks, self.space.activation_bits)]


@dataclass(frozen=True)
class Rows:
    """Runs of one network at one bit width on several accelerators."""

    rows: tuple[Row, ...]

    @property
    def best(self) -> Row:
        """The run on the smallest accelerator within 1 % of the fastest; the fastest wins ties."""
        limit = CLOSE * min(row["time_ms"] for row in self.rows)
        close = [row for row in self.rows if row["time_ms"] <= limit]
        return min(close, key=lambda row: (row[AREA], row["time_ms"]))

    def within(self, area: float) -> "Rows":
        """The runs on accelerators within an area, in gate equivalents."""
        return Rows(tuple(row for row in self.rows if row[AREA] <= area))

    def front(self, value: float) -> Front:
        """The Pareto front of time against area."""
        columns = (np.array([row[name] for row in self.rows]) for name in (AREA, "time_ms"))
        area, time = (column.astype(np.float64) for column in columns)
        return front_of(value, area, time, np.arange(len(self.rows)))


def bits_of(tau: int) -> float:
    """Bits per weight of 3x3 kernels, as printed in the paper."""
    return round(tau / 9, 2)


def compare_fairly(
    space: Space, progress: Progress | None = None, *, jobs: int | None = None
) -> Fair:
    """Run every network at every bit width on every accelerator.

    Args:
        space: the space of the comparison.
        progress: called during the studies.
        jobs: number of processes; all cores by default.

    Raises:
        InputError: a network or a hardware configuration is not readable.

    """
    rows: list[Row] = []
    for tau in (ONE_BIT, *space.taus):
        with TemporaryDirectory() as folder:
            result = run_study(
                space.study(tau), folder, jobs=jobs, tables_only=True, progress=progress
            )
            numbers = result.figures.point.tolist()
            rows += read_rows(result.files[0], point_columns(), numbers)
    return Fair(space=space, rows=tuple(rows))
