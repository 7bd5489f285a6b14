"""The parallelism of a stage: the least area with which it takes a number of cycles per image."""

from collections.abc import Iterator
from typing import NamedTuple

from simulator.base.errors import InputError
from simulator.base.wording import counted
from simulator.machines.streaming.area import plan_area
from simulator.machines.streaming.operators import Plan
from simulator.machines.streaming.schema import Fold, Streaming
from simulator.machines.streaming.shapes import Parallelism, Shape
from simulator.workload import Layer


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, the smallest first."""
    return [one for one in range(1, number + 1) if number % one == 0]


def _options(given: int | None, most: int) -> list[int]:
    return divisors(most) if given is None else [given]


def plan_of(shape: Shape, hardware: Streaming) -> Plan:
    """Return a stage with its parallelism.

    Args:
        shape: the stage.
        hardware: the file with the folds by layer and the rule.

    Raises:
        InputError: a fold does not divide the layer, or no fold is fast enough.

    """
    given = hardware.folding.layers.get(shape.name, Fold())
    for key, value, most in (
        ("pe", given.pe, shape.most_pe),
        ("simd", given.simd, shape.most_simd),
        ("dots", given.dots, shape.most_dots),
    ):
        if value is not None and most % value:
            raise InputError(
                f"folding.layers {shape.name}: {key} {value} does not divide {most}: use one of "
                f"{', '.join(map(str, divisors(most)))}"
            )
    options = _Options.of(shape, given)
    if options.count == 1:
        return options.plan(options.pe[0], options.simd[0], options.dots[0])
    fast = list(options.fast(hardware.folding.cycles))
    if not fast:
        least = options.plan(options.pe[-1], options.simd[-1], options.dots[-1]).cycles
        raise InputError(
            f"folding.cycles is {hardware.folding.cycles}: layer {shape.name} takes at least "
            f"{counted(least, 'cycle')} per image"
        )
    return min(fast, key=lambda plan: (plan_area(plan, hardware), -plan.fold.simd))


class _Options(NamedTuple):
    """The parallelism that a file allows a stage, each in rising order."""

    shape: Shape
    pe: list[int]
    simd: list[int]
    dots: list[int]

    @classmethod
    def of(cls, shape: Shape, given: Fold) -> "_Options":
        """Return the options that agree with the keys of a file."""
        return cls(
            shape,
            _options(given.pe, shape.most_pe),
            _options(given.simd, shape.most_simd),
            _options(given.dots, shape.most_dots),
        )

    @property
    def count(self) -> int:
        """The number of combinations."""
        return len(self.pe) * len(self.simd) * len(self.dots)

    def plan(self, pe: int, simd: int, dots: int) -> Plan:
        """Return the stage with some parallelism."""
        return Plan(shape=self.shape, fold=Parallelism(pe, simd, dots))

    def fast(self, cycles: int) -> Iterator[Plan]:
        """Yield, for every SIMD, the smallest stage with at most some cycles per image.

        Area grows with PE and with dot units, and neither makes the other's unit faster. The least
        of both that is fast enough is therefore the smallest stage.
        """
        for simd in self.simd:
            widest = self.plan(self.pe[-1], simd, self.dots[-1])
            if widest.cycles <= cycles:
                dots = self._least("dots", self.dots, widest, cycles)
                yield self._least("pe", self.pe, dots, cycles)

    @staticmethod
    def _least(key: str, values: list[int], widest: Plan, cycles: int) -> Plan:
        """Return the stage with the least value of one key that is fast enough.

        The units in front of a product depend on SIMD alone.
        """
        for value in values:
            plan = Plan(shape=widest.shape, fold=widest.fold._replace(**{key: value}))
            alone = plan.main_cycles if isinstance(plan.layer, Layer) else plan.cycles
            if alone <= cycles:
                return plan
        return widest
