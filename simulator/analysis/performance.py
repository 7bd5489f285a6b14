"""Performance of a run: latency, throughput, operations per second, and energy per image.

One multiply-accumulate (MAC) of the network counts as two operations, a multiplication and an
addition, for operands of any width. This is the usual count of accelerators (N. Jouppi et al., ISCA
2017). The number of operations depends on the network alone. A machine that looks up products, or
that does not compute all of them, has the same operations and takes less time.
"""

from dataclasses import dataclass
from typing import Any

from simulator.analysis.run import Run
from simulator.workload.scope import Scope

OPERATIONS_PER_MAC = 2
RATES = ("images_per_second", "tops", "energy_uj_per_image", "tops_per_watt")
"""The values of `Performance` that studies and searches have as columns."""


def operations_counted(scope: Scope) -> str:
    """Return the meaning of an operation in TOPS and TOPS/W.

    Args:
        scope: scope of the run.

    """
    return f"1 MAC = {OPERATIONS_PER_MAC} operations, MACs of the layers in scope {scope}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Performance of one run; each value covers the layers in the run's scope."""

    images: int
    """Images of the batch."""
    time_ms: float
    """Latency of the batch in milliseconds."""
    macs: int
    """Multiply-accumulates of all images of the batch."""
    energy_uj: float | None = None
    """Energy of the run in microjoules, if known."""

    @property
    def images_per_second(self) -> float:
        """Throughput: images of the batch over its latency."""
        return 1e3 * self.images / self.time_ms

    @property
    def operations(self) -> int:
        """Operations of all images of the batch; a MAC has two."""
        return OPERATIONS_PER_MAC * self.macs

    @property
    def tops(self) -> float:
        """Operations per second, in units of 1e12."""
        return self.operations / self.time_ms / 1e9

    @property
    def energy_uj_per_image(self) -> float | None:
        """Energy per image in microjoules, if known."""
        return None if self.energy_uj is None else self.energy_uj / self.images

    @property
    def tops_per_watt(self) -> float | None:
        """Operations per joule in units of 1e12, which are TOPS/W; None without an energy."""
        return self.operations / self.energy_uj / 1e6 if self.energy_uj else None

    def plain(self) -> dict[str, Any]:
        """Return all values as plain data; without an energy, the values that need none."""
        values = {
            "latency_ms": self.time_ms,
            "images_per_second": self.images_per_second,
            "operations": self.operations,
            "tops": self.tops,
            "energy_uj_per_image": self.energy_uj_per_image,
            "tops_per_watt": self.tops_per_watt,
        }
        return {key: value for key, value in values.items() if value is not None}

    def rates(self, prefix: str = "") -> dict[str, float | None]:
        """Return `RATES` as columns; None without an energy.

        Args:
            prefix: prefix of the columns, such as `baseline_`.

        """
        return {f"{prefix}{name}": getattr(self, name) for name in RATES}


def performance_of(run: Run, energy_uj: float | None = None) -> Performance:
    """Return the performance of a run.

    Args:
        run: a run.
        energy_uj: energy of the run in microjoules, if known.

    """
    return Performance(
        images=run.workload.batch,
        time_ms=run.time_ms,
        macs=sum(layer.macs for layer in run.layers),
        energy_uj=energy_uj,
    )
