"""Engines: programs of a few commands, checked command by command."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from simulator.engine import ENGINES, EngineName, engine
from simulator.ordered import Executed, Program

pytestmark = pytest.mark.unit


def program(*commands: tuple[int, int, int, tuple[int, ...]]) -> Program:
    """Commands of (unit, cycles, latency, waits)."""
    unit, cycles, latency, waits = zip(*commands, strict=True) if commands else ((),) * 4
    zeros = np.zeros(len(commands), dtype=np.int64)
    return Program(
        units=("a", "b", "c"),
        kinds=("work",),
        layers=("layer",),
        unit=np.array(unit, dtype=np.int64),
        kind=zeros,
        layer=zeros,
        step=zeros,
        cycles=np.array(cycles, dtype=np.int64),
        latency=np.array(latency, dtype=np.int64),
        bytes=zeros,
        pes=zeros,
        wait_offsets=np.cumsum([0, *map(len, waits)]),
        waits=np.array([w for group in waits for w in group], dtype=np.int64),
        signals=np.zeros(sum(map(len, waits)), dtype=np.int64),
    )


def by_hand(given: Program) -> Executed:
    """The contract of simulator/ordered.py, written out."""
    free = [0] * len(given.units)
    start, end, ready = [], [], []
    for number in range(len(given)):
        waits = given.waits[given.wait_offsets[number] : given.wait_offsets[number + 1]]
        unit = given.unit[number]
        start.append(max([free[unit], *(ready[wait] for wait in waits)]))
        end.append(start[-1] + int(given.cycles[number]))
        ready.append(end[-1] + int(given.latency[number]))
        free[unit] = end[-1]
    return Executed(program=given, start=np.array(start), end=np.array(end))


@pytest.mark.parametrize("name", ENGINES)
class TestEngine:
    def test_a_unit_does_one_thing_at_a_time(self, name: EngineName) -> None:
        trace = engine(name)(program((0, 3, 0, ()), (0, 2, 0, ())), None)
        assert trace.start.tolist() == [0, 3]
        assert trace.end.tolist() == [3, 5]

    def test_a_command_waits_for_the_last_of_its_dependencies(self, name: EngineName) -> None:
        trace = engine(name)(program((0, 3, 0, ()), (1, 7, 0, ()), (2, 1, 0, (0, 1))), None)
        assert trace.start.tolist() == [0, 0, 7]

    def test_latency_holds_up_the_result_but_not_the_unit(self, name: EngineName) -> None:
        trace = engine(name)(program((0, 2, 10, ()), (0, 2, 10, ()), (1, 1, 0, (1,))), None)
        assert trace.start.tolist() == [0, 2, 14]  # 2 + 2 + 10: one cycle earlier it was not there

    def test_the_run_ends_with_the_last_result(self, name: EngineName) -> None:
        assert engine(name)(program((0, 2, 10, ())), None).ready.tolist() == [12]

    def test_a_command_of_no_cycles_still_keeps_its_place(self, name: EngineName) -> None:
        trace = engine(name)(program((0, 4, 0, ()), (1, 0, 0, (0,)), (1, 2, 0, ())), None)
        assert trace.start.tolist() == [0, 4, 4]

    def test_an_empty_program_takes_no_time(self, name: EngineName) -> None:
        assert engine(name)(program(), None).end.tolist() == []

    @given(data=st.data())
    def test_random_programs_run_as_the_contract_says(
        self, name: EngineName, data: st.DataObject
    ) -> None:
        commands = [
            (
                data.draw(st.integers(0, 2)),
                data.draw(st.integers(0, 5)),
                data.draw(st.integers(0, 3)),
                tuple(data.draw(st.sets(st.integers(0, n - 1), max_size=3))) if n else (),
            )
            for n in range(data.draw(st.integers(0, 12)))
        ]
        expected = by_hand(program(*commands))
        trace = engine(name)(program(*commands), None)
        assert trace.start.tolist() == expected.start.tolist()
        assert trace.end.tolist() == expected.end.tolist()


def test_progress_is_reported() -> None:
    seen: list[int] = []
    engine("event")(program(*[(0, 1, 0, ())] * 10_000), seen.append)
    assert seen == [4096, 8192]


def test_a_wait_on_a_later_command_is_refused() -> None:
    with pytest.raises(ValueError, match="later command"):
        program((0, 1, 0, (1,)), (1, 1, 0, ()))
