"""The fast engine on written-out programs of the old contract, command by command."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from simulator.engine.fast import run
from tests.ordered import by_hand, program

pytestmark = pytest.mark.unit


class TestEngine:
    def test_a_unit_does_one_thing_at_a_time(self) -> None:
        trace = run(program((0, 3, 0, ()), (0, 2, 0, ())))
        assert trace.start.tolist() == [0, 3]
        assert trace.end.tolist() == [3, 5]

    def test_a_command_waits_for_the_last_of_its_dependencies(self) -> None:
        trace = run(program((0, 3, 0, ()), (1, 7, 0, ()), (2, 1, 0, (0, 1))))
        assert trace.start.tolist() == [0, 0, 7]

    def test_latency_holds_up_the_result_but_not_the_unit(self) -> None:
        trace = run(program((0, 2, 10, ()), (0, 2, 10, ()), (1, 1, 0, (1,))))
        assert trace.start.tolist() == [0, 2, 14]  # 2 + 2 + 10: one cycle earlier it was not there

    def test_the_run_ends_with_the_last_result(self) -> None:
        assert run(program((0, 2, 10, ()))).ready.tolist() == [12]

    def test_a_command_of_no_cycles_still_keeps_its_place(self) -> None:
        trace = run(program((0, 4, 0, ()), (1, 0, 0, (0,)), (1, 2, 0, ())))
        assert trace.start.tolist() == [0, 4, 4]

    def test_an_empty_program_takes_no_time(self) -> None:
        assert run(program()).end.tolist() == []

    @given(data=st.data())
    def test_random_programs_run_as_the_contract_says(self, data: st.DataObject) -> None:
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
        trace = run(program(*commands))
        assert trace.start.tolist() == expected.start.tolist()
        assert trace.end.tolist() == expected.end.tolist()


def test_a_wait_on_a_later_command_is_refused() -> None:
    with pytest.raises(ValueError, match="later command"):
        program((0, 1, 0, (1,)), (1, 1, 0, ()))
