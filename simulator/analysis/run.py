"""One workload on one machine: the run and its results."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulator.analysis.attribution import Attribution
from simulator.analysis.images import ImageTimes
from simulator.analysis.layers import LayerResult, layer_results
from simulator.base.columns import Ints
from simulator.engine import EngineName
from simulator.engine.summary import Summary
from simulator.engine.trace import Trace
from simulator.machines import Hardware
from simulator.machines.families import family_of
from simulator.machines.family import Family, Mapping
from simulator.program import Vocabulary
from simulator.workload import Workload

if TYPE_CHECKING:
    from simulator.engine.path import CriticalPath


@dataclass(frozen=True, kw_only=True)
class Run:
    """One workload, mapped and run."""

    workload: Workload
    mapping: Mapping[Any]
    engine: EngineName
    """The engine of the run."""
    summary: Summary
    make_trace: Callable[[], Trace]
    """A function that runs the mapping command by command; called at most once."""
    image_ends: Ints | None = None
    """[images] cycle in which each image's last result is in DRAM, if all layers run at once."""

    @property
    def cycles(self) -> int:
        """Length of the run in cycles."""
        return self.summary.cycles

    @property
    def time_ms(self) -> float:
        """Length of the run in milliseconds."""
        return self.cycles / self.hardware.clock_ghz / 1e6

    @cached_property
    def trace(self) -> Trace:
        """The times of every command; the first access makes the trace."""
        return self.make_trace()

    @cached_property
    def layers(self) -> tuple[LayerResult, ...]:
        """Every layer's part of the run."""
        return layer_results(self.mapping, self.summary)

    @cached_property
    def attribution(self) -> tuple[Attribution, ...]:
        """Every layer's cycles by category."""
        names = [term.name for term in self.vocabulary.categories]
        rows = self.summary.spent.tolist()
        return tuple(dict(zip(names, row, strict=True)) for row in rows)

    @property
    def images(self) -> ImageTimes | None:
        """The times of the batch's images; None if layers run one after the other."""
        if self.image_ends is None:
            return None
        return ImageTimes(ends=self.image_ends, clock_ghz=self.hardware.clock_ghz)

    @property
    def by_title(self) -> tuple[Attribution, ...]:
        """Every layer's cycles by the titles of categories, which layers may share."""
        rows: list[Attribution] = []
        for parts in self.attribution:
            rows.append({})
            for category in self.vocabulary.categories:
                cycles = rows[-1].get(category.title, 0) + parts[category.name]
                rows[-1][category.title] = cycles
        return tuple(rows)

    @cached_property
    def path(self) -> "CriticalPath":
        """The trace's commands that delayed the run, from its first cycle to its last."""
        from simulator.engine.path import critical_path

        return critical_path(self.trace)

    @property
    def hardware(self) -> Hardware:
        """The hardware of the run."""
        return self.mapping.hardware

    @property
    def family(self) -> Family[Any, Any]:
        """The family of the hardware."""
        return family_of(self.hardware)

    @property
    def at_once(self) -> bool:
        """True if all layers run at once; False: one after the other."""
        return self.mapping.program.at_once

    @property
    def pes(self) -> int:
        """The machine's PEs: the hardware's, or, if all layers run at once, those of all layers."""
        return self.mapping.pes

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The terms for units, channels and categories of cycles."""
        return self.mapping.program.vocabulary

    @property
    def title(self) -> str:
        """The run's name in tables and plots, such as `0.56 bit` or `1 bit`."""
        return f"{self.bits:g} bit"

    @property
    def bits(self) -> float:
        """Bits per weight to two decimals, as in the paper."""
        return round(self.workload.bits, 2)

    @property
    def tau(self) -> int | None:
        """Bits of a kernel's index; None in a BNN, or if layers differ.

        A kernel with fewer weights than bits of the others' index does not count as different: an
        index of all its bits is the kernel itself.
        """
        return _only(self._kernel_taus)

    @property
    def tau_1x1(self) -> int | None:
        """Bits of a 1x1 vector's index; None in a BNN, without such layers, or if layers differ."""
        return _only(self._vector_taus)

    @property
    def has_several_taus(self) -> bool:
        """True if kernels, or vectors, have indices of different widths."""
        return max(len(self._kernel_taus), len(self._vector_taus)) > 1

    @property
    def _kernel_taus(self) -> set[int | None]:
        layers = [x for x in self.workload.binary_layers if not x.has_vectors]
        widest = max((layer.tau or 0 for layer in layers), default=0)
        return {x.tau for x in layers if x.tau != x.unit_weights or x.tau == widest}

    @property
    def _vector_taus(self) -> set[int | None]:
        return {x.tau for x in self.workload.binary_layers if x.has_vectors}

    @property
    def dram_bytes(self) -> dict[str, int]:
        """Bytes of DRAM reads and writes, in whole bursts."""
        moved, words = self.summary.bytes.sum(axis=0), self.vocabulary
        return {
            "read": int(moved[words.dram_units("read")].sum()),
            "written": int(moved[words.dram_units("write")].sum()),
        }

    @property
    def utilization(self) -> float:
        """The fraction of the run's PE cycles in which the busiest side of a PE works (0 to 1)."""
        working = sum(layer.working_pe_cycles for layer in self.layers)
        return working / max(1, sum(layer.pe_cycles for layer in self.layers))


def _only(taus: set[int | None]) -> int | None:
    """The tau that all layers share; None if they differ."""
    return next(iter(taus)) if len(taus) == 1 else None
