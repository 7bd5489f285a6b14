"""Random programs are reproducible, share sections between rates, and have every shape."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from simulator.program import Balance, Body, Loop, Program
from tests.deadlocks import deadlocked_program
from tests.free_programs import random_family, random_program
from tests.programs import by_hand
from tests.shown import shown

pytestmark = pytest.mark.unit


def test_a_seed_always_makes_the_same_program() -> None:
    assert shown(random_program(3)) == shown(random_program(3)) != shown(random_program(4))


def test_a_family_differs_in_its_rates_alone() -> None:
    families = [random_family(seed, 200) for seed in range(10)]
    assert {len(family) for family in families} == {1, 2, 3, 4, 5}
    for family in families:
        for one, other in pairwise(family):
            assert one.sections is other.sections
            assert one.channels is other.channels


def test_every_shape_occurs() -> None:
    made = [random_program(seed, 300) for seed in range(150)]
    assert any(_depth(body) > 3 for each in made for body in _bodies(each))
    assert any(len(each.units) > 10 for each in made)
    assert any(len(set(each.sections)) < len(each.sections) == 12 for each in made)
    for balance in Balance:
        given = [c for each in made for s in each.sections for c in s.gives if c.balance is balance]
        assert given, balance
    counts = [counts for each in made for s in each.sections for counts in s.counts.values()]
    commands = [command for commands in counts for command, _ in commands]
    assert any(command.begins and command.gives for command in commands)
    assert any(not command.cycles for command in commands)
    assert any(command.penalty for command in commands)


def test_a_deadlock_is_one_without_time() -> None:
    stuck, circle = deadlocked_program(1)
    assert circle <= set(stuck.units)
    assert by_hand(stuck) is None


def _bodies(program: Program) -> Iterator[Body]:
    return (body for section in program.sections for body in section.bodies.values())


def _depth(body: Body) -> int:
    return max((1 + _depth(part.body) for part in body if isinstance(part, Loop)), default=0)
