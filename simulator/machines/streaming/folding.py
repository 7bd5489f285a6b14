"""The parallelism of a stage: the least area with which it takes a number of cycles per image."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from simulator.base.errors import InputError
from simulator.base.wording import counted
from simulator.machines.streaming.area import plan_area
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Fold, Streaming
from simulator.machines.streaming.shapes import Parallelism, Shape, divisors
from simulator.workload import Layer


def plan_of(shape: Shape, hardware: Streaming) -> Plan:
    """Return a stage with its parallelism.

    Args:
        shape: the stage.
        hardware: the file with the folds by layer and the rule.

    Raises:
        InputError: a fold does not divide the layer, or no fold is fast enough.

    """
    given = hardware.folding.layers.get(shape.name, Fold())
    options = _Options.of(shape, given)
    for key, value, possible in (
        ("pe", given.pe, divisors(shape.most_pe)),
        ("simd", given.simd, shape.simd_options),
        ("dots", given.dots, divisors(shape.most_dots)),
    ):
        if value is not None and value not in possible:
            raise InputError(
                f"folding.layers {shape.name}: {key} {value} is impossible: use one of "
                f"{', '.join(map(str, possible))}"
            )
    if options.combinations == 1:
        return options.plan(options.pe[0], options.simd[0], options.dots[0])
    fast = list(options.fast(hardware.folding.cycles))
    if not fast:
        least = min(options.widest(simd).cycles for simd in options.simd)
        raise InputError(
            f"folding.cycles is {hardware.folding.cycles}: layer {shape.name} takes at least "
            f"{counted(least, 'cycle')} per image"
        )
    return min(fast, key=lambda plan: (plan_area(plan, hardware), -plan.fold.simd))


def cycles_of_folds(shape: Shape, hardware: Streaming) -> list[int]:
    """Return the cycles per image that a stage can take, in rising order.

    Args:
        shape: the stage.
        hardware: the file with the folds by layer.

    """
    options = _Options.of(shape, hardware.folding.layers.get(shape.name, Fold()))
    return sorted({plan.cycles for plan in options.plans()})


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
            divisors(shape.most_pe) if given.pe is None else [given.pe],
            shape.simd_options if given.simd is None else [given.simd],
            divisors(shape.most_dots) if given.dots is None else [given.dots],
        )

    @property
    def combinations(self) -> int:
        """The number of combinations."""
        return len(self.pe) * len(self.simd) * len(self.dots)

    def plan(self, pe: int, simd: int, dots: int) -> Plan:
        """Return the stage with some parallelism."""
        return Plan(shape=self.shape, fold=Parallelism(pe, simd, dots))

    def plans(self) -> Iterator[Plan]:
        """Yield the stage with every parallelism."""
        yield from (self.plan(*each) for each in product(self.pe, self.simd, self.dots))

    def widest(self, simd: int) -> Plan:
        """Return the fastest stage with some SIMD."""
        return self.plan(self.pe[-1], simd, self.dots[-1])

    def fast(self, cycles: int) -> Iterator[Plan]:
        """Yield, for every SIMD, the smallest stage with at most some cycles per image.

        Area grows with PE and with dot units, and neither makes the other's unit faster. The least
        of both that is fast enough is therefore the smallest stage.
        """
        for simd in self.simd:
            widest = self.widest(simd)
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
