"""The unit or the FIFOs that set the interval of a pipeline.

No pipeline has a shorter interval than the busy cycles per image of its slowest unit.
`simulator.studies.interval` finds the FIFOs that lengthen it.
"""

from dataclasses import dataclass
from typing import Any

from simulator.analysis.images import ImageTimes
from simulator.analysis.run import Run
from simulator.analysis.stages import StageTime, slowest, stage_times
from simulator.base.wording import counted, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Deepened:
    """A FIFO that lengthens the interval."""

    fifo: str
    depth: int
    """Its words in the run."""
    needed: int
    """The fewest words with which it no longer lengthens the interval."""


@dataclass(frozen=True, kw_only=True)
class IntervalLimit:
    """The limit of the interval of a run."""

    images: ImageTimes
    slowest: tuple[StageTime, ...]
    """The units with the most busy cycles."""
    deepened: tuple[Deepened, ...] | None = None
    """The FIFOs that together lengthen the interval; (): none does. None: no run has searched."""
    interval_then: int | None = None
    """The interval if these FIFOs have the needed words."""

    @property
    def longer(self) -> float:
        """Cycles by which the interval is longer than the slowest unit's; 0 if not settled."""
        interval = self.images.interval_cycles
        return 0 if interval is None else interval - self.slowest[0].cycles_per_image

    @property
    def sentence(self) -> str:
        """The limit of the interval, in one line."""
        names = listed([one.unit.title for one in self.slowest])
        limit = f"{self.slowest[0].cycles_per_image:,.0f} cycles per image"
        if self.images.interval_cycles is None:
            return f"slowest unit: {names}, {limit}"
        if self.longer <= 0:
            return f"the interval is that of {names}: {limit}"
        longer = f"the interval is {self.longer:,.0f} cycles longer than that of {names}, {limit}"
        if self.deepened is None:
            return f"{longer}; --why finds the FIFO"
        if not self.deepened:
            return f"{longer}; deeper FIFOs do not shorten it"
        found = [
            f"{one.fifo} with {counted(one.depth, 'word')} (enough: {one.needed:,})"
            for one in self.deepened
        ]
        noun = "FIFO" if len(found) == 1 else "FIFOs"
        return (
            f"{longer}, because of the {noun} {listed(found)}: {self.interval_then:,} cycles then"
        )

    def plain(self) -> dict[str, Any]:
        """Return the limit as plain data."""
        return {
            "sentence": self.sentence,
            "slowest_units": [one.unit.name for one in self.slowest],
            "slowest_cycles_per_image": self.slowest[0].cycles_per_image,
        }


def limit_of(run: Run) -> IntervalLimit:
    """Return the limit of a run's interval, without the FIFOs that lengthen it.

    Args:
        run: a run whose layers all run at once.

    """
    assert run.images is not None
    return IntervalLimit(images=run.images, slowest=slowest(stage_times(run)))
