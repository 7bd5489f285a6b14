"""Slopes and the end of an iteration in the fast engine, on a memory written by hand."""

import pytest

from simulator.engine import layout as at
from simulator.engine.flows import comes_before, limit_lot
from simulator.engine.repeats import goes_on
from simulator.engine.slopes import follow_start

pytestmark = pytest.mark.unit

UNIT, START, COMMAND, TAKE, TAKER, LOT = 100, 200, 300, 350, 400, 450
SECTION, GROWTH, SHARE, WAIT = 500, 520, 5, 3
"""A section, the growth of its waits, a unit's share of the section, and a wait in the share."""
NOW, THEN = 600, 700
"""Notes of a unit."""


def memory() -> list[int]:
    """An empty memory of one lane."""
    m = [0] * 1000
    m[at.LANES], m[at.START], m[at.LIMIT] = 1, START, 100
    return m


def value(time: int, slope: int) -> list[int]:
    """A time and its slope, in one lane."""
    return [time, slope]


class TestStart:
    """A command takes one lot; it starts in cycle 10."""

    def followed(self, free: list[int], lot: list[int]) -> tuple[int, int]:
        """The slope of the start, and the limit on iterations."""
        m = self.memory(free, lot)
        return m[START + 1], m[at.LIMIT]

    def memory(self, free: list[int], lot: list[int]) -> list[int]:
        """The memory after the start."""
        m = memory()
        m[at.SECTIONS], m[at.GROWTH], m[UNIT + at.SHARE] = SECTION, GROWTH, SECTION + SHARE
        m[START + at.WAITED] = WAIT
        m[START] = max(free[0], lot[0])
        m[UNIT + at.FREE : UNIT + at.FREE + 2] = free
        m[LOT + at.TIME : LOT + at.TIME + 2] = lot
        m[COMMAND + at.TAKES], m[COMMAND + at.TAKES_END] = TAKE, TAKE + at.TAKE_SIZE
        m[TAKE + at.TAKER], m[TAKE + at.TAKE_TOKENS] = TAKER, 1
        m[TAKER + at.HERE], m[LOT + at.BEHIND] = LOT, 1
        m[TAKER + at.FLOW] = at.PAIRED
        follow_start(m, UNIT, COMMAND)
        return m

    def test_the_lot_must_not_overtake_a_unit_that_is_free_later(self) -> None:
        # 6 cycles ahead, 5 - 3 = 2 fewer in each iteration: still ahead after 2, equal after 3
        assert self.followed(free=value(10, 3), lot=value(4, 5)) == (3, 2)

    def test_the_start_moves_with_the_unit_before_the_lot_is_compared(self) -> None:
        # the lot is as fast as the unit: it never overtakes
        assert self.followed(free=value(10, 5), lot=value(4, 5)) == (5, 100)

    def test_a_wait_shrinks_until_the_unit_no_longer_waits(self) -> None:
        # the unit waits for 6 cycles, 2 fewer in each iteration
        assert self.followed(free=value(4, 5), lot=value(10, 3)) == (3, 2)

    @pytest.mark.parametrize(("free", "growth"), [(5, 0), (3, 2), (7, -2)])
    def test_a_wait_grows_by_the_difference_of_the_slopes(self, free: int, growth: int) -> None:
        m = self.memory(free=value(4, free), lot=value(10, 5))
        assert m[GROWTH + SHARE + WAIT] == growth

    def test_no_wait_does_not_grow(self) -> None:
        m = self.memory(free=value(10, 5), lot=value(10, 5))
        assert m[GROWTH + SHARE + WAIT] == 0


class TestState:
    """A unit runs 3 commands in an iteration of a loop, in 7 cycles, or 8 in another lane."""

    def iteration(self, number: int) -> list[int]:
        """The unit after some iterations."""
        unit = [0] * (at.FREE + 4 + at.FRAME_SIZE)
        unit[at.AT], unit[at.SECTION], unit[at.DEPTH] = 40, 2, 1
        unit[at.DONE] = 3 * number
        frame = at.FREE + 4
        unit[at.FRAMES], unit[frame + at.ITERATION] = UNIT + frame, number
        unit[at.FREE : at.FREE + 4] = 7 * number, 8 * number, 7, 8
        return unit

    def goes_on(self, **changed: int) -> bool:
        """True if the third iteration is like the second, except for a field."""
        m = memory()
        m[at.LANES] = 2
        for number, place in enumerate((THEN, NOW, UNIT), 1):
            unit = self.iteration(number)
            m[place : place + len(unit)] = unit
        for name, by in changed.items():
            m[UNIT + getattr(at, name)] += by
        return goes_on(m, UNIT, NOW, THEN)

    def test_an_iteration_like_the_previous_one(self) -> None:
        assert self.goes_on()

    @pytest.mark.parametrize("field", ["AT", "SECTION", "DONE", "FREE"])
    def test_another_place_or_time(self, field: str) -> None:
        assert not self.goes_on(**{field: 1})
        assert not self.goes_on(**{field: -1})

    def test_another_loop(self) -> None:
        assert not self.goes_on(DEPTH=-1)  # its frame is then not compared


class TestSettledTaker:
    """A unit is free in cycle 10, and 4 cycles later in every iteration; it takes a lot."""

    def memory(self, lot: list[int]) -> list[int]:
        m = memory()
        m[UNIT + at.FREE : UNIT + at.FREE + 2] = value(10, 4)
        m[LOT + at.TIME : LOT + at.TIME + 2] = lot
        return m

    @pytest.mark.parametrize(("time", "iterations"), [(9, 0), (13, 1), (17, 2)])
    def test_a_lot_comes_before_the_iteration_that_takes_it(
        self, time: int, iterations: int
    ) -> None:
        assert comes_before(self.memory(value(time, 0)), LOT, UNIT, iterations)
        assert not comes_before(self.memory(value(time + 1, 0)), LOT, UNIT, iterations)

    @pytest.mark.parametrize(
        ("lot", "limit"),
        [
            # taken 2 iterations later, when the unit is free in cycle 18: 8 cycles ahead
            (value(10, 4), 100),
            (value(10, 1), 100),
            (value(10, 6), 3),  # 2 cycles less in every iteration
            (value(10, 7), 2),
            (value(17, 4), 100),
            (value(18, 0), at.NEVER),
        ],
    )
    def test_later_lots_limit_the_iterations(self, lot: list[int], limit: int) -> None:
        m = self.memory(lot)
        limit_lot(m, LOT, UNIT, 2)
        assert m[at.LIMIT] == limit
