"""A pipeline's maps when images pass through all its units at once, against its layers' results."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulator.base.columns import Ints
from simulator.check.chain import Chain
from simulator.check.comparison import Difference, LayerCheck, first_difference
from simulator.check.pixels import Pixels

MOST_IMAGES = 2
"""Images that the check sends through the units: the second begins while the first is inside."""


@dataclass
class Stream:
    """The maps of a chain, kept for the comparison with those of the units."""

    chain: Chain
    images: int
    maps: dict[str, Ints] = field(default_factory=dict)
    exponents: dict[str, int] = field(default_factory=dict)

    def kept(self, checks: Iterable[LayerCheck]) -> Iterator[LayerCheck]:
        """Yield the checks of a chain's layers; keep the map of the first images after each."""
        for check in checks:
            for name in ("input", check.layer):
                if name not in self.maps and self.chain.has(name):
                    self.maps[name] = self.chain.carried_values(name)[: self.images]
                    self.exponents[name] = self.chain.carried_exponent(name)
            yield check

    def check(self) -> LayerCheck:
        """Send the images through the units and compare every stage's map."""
        pipelined = self.chain.pipelined
        assert pipelined is not None
        found = pipelined.stream(self.maps["input"], Pixels(self.chain, self.exponents))
        difference: Difference | None = None
        for name, values in found.items():
            got, expected = (x.transpose(1, 0, 2, 3) for x in (values, self.maps[name]))
            whole = (range(got.shape[1]), range(got.shape[2]))
            difference = difference or first_difference(name, expected, got, *whole)
        return LayerCheck(
            layer="all stages",
            mode="stream",
            kernels="none",
            inputs="network",
            outputs=sum(values.size for values in found.values()),
            difference=difference,
        )
