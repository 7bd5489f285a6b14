"""The interface between a family's folds, the parallelism of its stages, and a folding search."""

from abc import ABC, abstractmethod
from collections.abc import Mapping as Items
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from simulator.machines.hardware import Hardware
from simulator.workload import Workload

H = TypeVar("H", bound=Hardware)
L = TypeVar("L")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedStage:
    """A layer's stage of a pipeline."""

    layer: str
    fold: Items[str, int]
    """Its parallelism, by the keys of the hardware file."""
    cycles: int
    """Cycles per image of its slowest unit."""
    area: int
    """Gate equivalents of its units, memories and FIFOs."""


class Folds(ABC, Generic[H, L]):
    """A family's folds of a network's stages. Only families whose layers run at once have folds."""

    @abstractmethod
    def options(self, workload: Workload, hardware: H) -> dict[str, Sequence[int]]:
        """Return the cycles per image that each stage can take, in rising order, by layer.

        Args:
            workload: a configured workload.
            hardware: the machine. A fold that its file gives stays.

        Raises:
            InputError: the machine cannot run a layer.

        """

    @abstractmethod
    def area(self, workload: Workload, hardware: H, cycles: int) -> int:
        """Return the least sum of the stages' own areas at most at some cycles per image.

        In gate equivalents, without what depends on two stages: the converters and FIFOs between
        them.
        """

    @abstractmethod
    def folded(self, workload: Workload, hardware: H, cycles: int) -> H:
        """Return hardware in which the file gives the fold of every stage: those of `area`."""

    @abstractmethod
    def kept(self, hardware: H) -> Sequence[str]:
        """Return the layers whose folds the file gives."""

    @abstractmethod
    def require_sizable(self, hardware: H) -> None:
        """Raise an error if the file limits the FIFOs that a search sizes.

        Raises:
            InputError: the file has such a limit.

        """

    @abstractmethod
    def fifos(self, layers: Sequence[L]) -> dict[str, int]:
        """Return the words per image of each FIFO whose depth a file can give, by name.

        They are in the order of their readers.
        """

    @abstractmethod
    def with_depths(self, hardware: H, depths: Items[str, int]) -> H:
        """Return hardware with other depths of some FIFOs, by name."""

    @abstractmethod
    def stages(self, hardware: H, layers: Sequence[L]) -> list[FoldedStage]:
        """Return the stages of a mapped network, in order."""
