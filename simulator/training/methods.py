"""The methods of the study, which convert a layer's weights to kernels."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from simulator.training.estimator import ErrorDecay
from simulator.training.network import Binarizer, MakeBinarizer
from simulator.training.subsets import (
    FrequentSubset,
    RefinedSubset,
    Signs,
    Subset,
    random_ids,
    uniform_ids,
)

Make = Callable[[int, ErrorDecay, torch.Generator], Binarizer]
"""A function that makes a binarizer from a subset size, an estimator and a random generator."""

_SUBSET_METHODS: dict[str, Make] = {
    "vanilla": lambda size, decay, generator: Subset(random_ids(size, generator), decay),
    "snn": lambda size, decay, generator: RefinedSubset(
        random_ids(size, generator), decay, generator
    ),
    "baseline-a": lambda size, decay, _: Subset(uniform_ids(size), decay),
    "baseline-b": lambda size, decay, _: FrequentSubset(uniform_ids(size), decay, every=1),
    "baseline-b-10": lambda size, decay, _: FrequentSubset(uniform_ids(size), decay, every=10),
}


@dataclass(frozen=True, slots=True)
class Method:
    """A method in `names.TITLES`, with a tau if it chooses subsets."""

    name: str
    tau: int | None = None

    @property
    def title(self) -> str:
        """The part of a run's file name before the seed, such as snn-tau5."""
        return self.name if self.tau is None else f"{self.name}-tau{self.tau}"

    @property
    def bits(self) -> float:
        """Bits per weight of the binary layers."""
        if self.name == "full-precision":
            return 32
        return 1 if self.tau is None else self.tau / 9

    @property
    def activation_bits(self) -> int:
        """Bits of the activations that enter binary layers."""
        return 32 if self.name == "full-precision" else 1

    def binarizers(self, generator: torch.Generator) -> MakeBinarizer | None:
        """The function that makes a layer's binarizer; None in full precision."""
        if self.name == "full-precision":
            return None
        if self.tau is None:
            return Signs
        make, size = _SUBSET_METHODS[self.name], 2**self.tau
        return lambda decay: make(size, decay, generator)


def each(names: tuple[str, ...], taus: tuple[int, ...]) -> list[Method]:
    """Return every method of the names; methods with subsets occur at every tau."""
    return [
        Method(name, tau)
        for name in names
        for tau in (taus if name in _SUBSET_METHODS else (None,))
    ]
