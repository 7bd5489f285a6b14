"""The index buffer with one port: reads and writes of a bank exclude each other."""

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from simulator import InputError, load_hardware
from simulator.coverage import why_not_fast
from simulator.engine.event import run as run_event
from simulator.mapping import Mapping, map_workload
from simulator.mapping.builder import Kind
from simulator.mapping.port import with_ports
from simulator.program import Trace
from simulator.workload import Workload
from tests.build import layer, machine, network, times
from tests.conftest import ROOT, Command
from tests.strategies import Overrides, machines, networks

ONE = {"memory.index_buffer.ports": 1}


def run(workload: Workload, overrides: Overrides) -> tuple[Mapping, Trace]:
    hardware = machine(overrides)
    mapping = map_workload(workload, hardware)
    return mapping, run_event(with_ports(mapping.program, mapping, hardware))


@pytest.mark.cycle
class TestConflicts:
    """64 -> 64 channels over 1 x 2 pixels: docs/machine.md, where the fetch is 264 to 280."""

    NET = network(layer(64, 64, 1, 2, tau=5))

    def fetches(self, **keys: object) -> list[tuple[int, int]]:
        overrides = {f"memory.index_buffer.{key}": value for key, value in keys.items()}
        return times(run(self.NET, overrides)[1], Kind.FETCH_INDICES)

    def test_two_ports_do_not_meet(self) -> None:
        assert self.fetches(ports=2) == [(264, 280)]

    def test_one_bank_is_written_first(self) -> None:
        # 41 bursts of 64 bytes are 17 lines of 160, written from 264 on; then 16 lines are read
        assert self.fetches(ports=1) == [(264, 264 + 17 + 16)]

    @pytest.mark.parametrize("banks", [2, 3, 8])
    def test_a_second_bank_is_read_behind_the_line_that_is_written(self, banks: int) -> None:
        # line 0 is written in cycle 264, so it is read in 265, when line 1 is written
        assert self.fetches(ports=1, banks=banks) == [(264, 281)]

    def test_banks_keep_out_of_step(self) -> None:
        """Two layers: while one fetches again and again, the kernels of the next arrive."""
        net = network(layer(128, 64, 8, 8, tau=5), layer(64, 64, 8, 8, tau=5, name="next"))
        two, one, many = (
            run(net, {"memory.index_buffer.ports": ports, **banks})[1].cycles
            for ports, banks in ((2, {}), (1, {}), (1, {"memory.index_buffer.banks": 16}))
        )
        assert two < many < one

    def test_writes_come_one_behind_the_other(self) -> None:
        """Both chunks of a block of two groups are there before the first fetch ends."""
        net = network(layer(128, 64, 1, 1, tau=5))
        _, trace = run(net, ONE | {"memory.dram.bytes_per_cycle": 1e9})
        # load 0: cycle 0 to 1, ready at 101, 41 bursts, 17 lines: written 101 to 118
        # load 1: cycle 1 to 2, ready at 102, 40 bursts, 16 lines: written 118 to 134
        # fetch 0 begins at 101 and finds no cycle before 134; fetch 1 follows at once
        assert times(trace, Kind.FETCH_INDICES) == [(101, 150), (150, 166)]


def contended(trace: Trace) -> int:
    """Cycles lost, by brute force: in which a fetch runs without reading."""
    program, port = trace.program, trace.program.port
    assert port is not None
    ready = trace.end + program.latency
    written: dict[int, int] = {}
    free = 0
    for load in np.flatnonzero(program.unit == port.writer)[
        np.argsort(ready[program.unit == port.writer], kind="stable")
    ]:
        for number in range(port.lines[load]):
            free = max(free, int(ready[load]))
            written[free] = int(port.line[load]) + number
            free += 1
    lost = 0
    for fetch in np.flatnonzero(program.unit == port.reader):
        line = int(port.line[fetch])
        for cycle in range(trace.start[fetch], trace.end[fetch]):
            if cycle in written and written[cycle] % port.banks == line % port.banks:
                lost += 1
            else:
                line += 1
    return lost


@pytest.mark.invariant
@settings(max_examples=40)
@given(workload=networks(), overrides=machines(), banks=st.integers(1, 4))
def test_every_lost_cycle_is_a_conflict(
    workload: Workload, overrides: Overrides, banks: int
) -> None:
    overrides |= ONE | {"memory.index_buffer.banks": banks}
    try:
        mapping, trace = run(workload, overrides)
    except InputError:
        assume(False)
    fetches = trace.program.kind == Kind.FETCH_INDICES
    longer = trace.program.cycles - mapping.program.cycles
    assert np.all(longer[~fetches] == 0)
    assert longer.sum() == contended(trace)
    assert trace.cycles >= run_event(mapping.program).cycles
    again = run_event(replace(trace.program, port=None))
    assert again.start.tolist() == trace.start.tolist()


@pytest.mark.unit
def test_banks_of_two_ports_are_an_error_in_a_file(tmp_path: Path) -> None:
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("kib: 576 ", "kib: 576\n    banks: 2 "))
    with pytest.raises(InputError, match=r"banks has an effect only with .*ports 1"):
        load_hardware(path)
    assert why_not_fast(machine(ONE)) is not None


@pytest.mark.command
def test_settings_say_what_they_did(command: Command) -> None:
    run = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")
    done = command(*run, "--set", "memory.index_buffer.banks=2")
    assert "changes nothing: it has an effect only with one port" in done.stdout
    done = command(*run, "--set", "memory.index_buffer.ports=1")
    assert "note: memory.index_buffer.ports 2 -> 1: " in done.stdout
