"""The parallelism of a stage: the least area with which it takes a number of cycles per image."""

from collections.abc import Iterator

from simulator.base.errors import InputError
from simulator.base.wording import counted
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Fold, Streaming
from simulator.machines.streaming.shapes import Parallelism, Shape, divisors


def folds_of(shape: Shape, given: Fold) -> Iterator[Parallelism]:
    """Yield every parallelism of a stage that agrees with the keys of a file."""
    for simd in _options(given.simd, shape.simd_options):
        for pe in _options(given.pe, divisors(shape.most_pe)):
            for dots in _options(given.dots, divisors(shape.most_dots)):
                yield Parallelism(pe, simd, dots)


def _options(given: int | None, options: list[int]) -> list[int]:
    return options if given is None else [given]


def plan_of(shape: Shape, hardware: Streaming) -> Plan:
    """Return a stage with its parallelism.

    Args:
        shape: the stage.
        hardware: the file with the folds by layer and the rule.

    Raises:
        InputError: a fold does not divide the layer, or no fold is fast enough.

    """
    given = hardware.folding.layers.get(shape.name, Fold())
    for key, value, options in (
        ("pe", given.pe, divisors(shape.most_pe)),
        ("simd", given.simd, shape.simd_options),
        ("dots", given.dots, divisors(shape.most_dots)),
    ):
        if value is not None and value not in options:
            raise InputError(
                f"folding.layers {shape.name}: {key} {value} is impossible: use one of "
                f"{', '.join(map(str, options))}"
            )
    plans = [Plan(shape=shape, fold=fold) for fold in folds_of(shape, given)]
    if len(plans) == 1:
        return plans[0]
    fast = [plan for plan in plans if plan.cycles <= hardware.folding.cycles]
    if not fast:
        least = min(plan.cycles for plan in plans)
        raise InputError(
            f"folding.cycles is {hardware.folding.cycles}: layer {shape.name} takes at least "
            f"{counted(least, 'cycle')} per image"
        )
    return min(fast, key=lambda plan: (plan.cost, -plan.fold.simd, plan.fold.pe))
