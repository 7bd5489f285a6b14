"""Buffers with one port: reads and writes of a bank exclude each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from simulator import InputError, Result, load_hardware, simulate
from simulator.analysis.attribution import Part, attribute
from simulator.coverage import why_not_fast
from simulator.engine.event import run as run_event
from simulator.engine.trace import Trace, summarize
from simulator.machines.lut_array.plan import LayerPlan
from simulator.mapping import Mapping
from simulator.mapping.addresses import with_dram
from simulator.mapping.commands import Kind, Unit
from simulator.mapping.converted import converted
from simulator.mapping.port import with_ports
from simulator.ordered import Executed, SharedPort
from simulator.report.layers import layer_results
from simulator.report.unmoved import why_unmoved
from simulator.workload import Workload
from tests.build import layer, machine, network, times
from tests.conftest import ROOT, Command
from tests.nest import nest_of
from tests.strategies import Overrides, machines, mapping_of, networks

INDEX, ACTIVATION = "memory.index_buffer", "memory.activation_buffer"
ONE = {f"{INDEX}.ports": 1}


def executed(workload: Workload, overrides: Overrides) -> tuple[Mapping, Executed]:
    mapping = mapping_of(workload, overrides)
    return mapping, run_event(with_ports(mapping.program, mapping, machine(overrides)))


def traced(workload: Workload, overrides: Overrides) -> Trace:
    mapping, ran = executed(workload, overrides)
    return converted(ran, mapping)


@pytest.mark.cycle
class TestIndexBuffer:
    """64 -> 64 channels over 1 x 2 pixels: docs/machine.md, where the fetch is 264 to 280."""

    NET = network(layer(64, 64, 1, 2, tau=5))

    def fetches(self, **keys: object) -> list[tuple[int, int]]:
        overrides = {f"{INDEX}.{key}": value for key, value in keys.items()}
        return times(traced(self.NET, overrides), Kind.FETCH_INDICES)

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
            traced(net, {f"{INDEX}.ports": ports, **banks}).cycles
            for ports, banks in ((2, {}), (1, {}), (1, {f"{INDEX}.banks": 16}))
        )
        assert two < many < one

    def test_writes_come_one_behind_the_other(self) -> None:
        """Both chunks of a block of two groups are there before the first fetch ends."""
        net = network(layer(128, 64, 1, 1, tau=5))
        trace = traced(net, ONE | {"memory.dram.bytes_per_cycle": 1e9})
        # load 0: cycle 0 to 1, ready at 101, 41 bursts, 17 lines: written 101 to 118
        # load 1: cycle 1 to 2, ready at 102, 40 bursts, 16 lines: written 118 to 134
        # fetch 0 begins at 101 and finds no cycle before 134; fetch 1 follows at once
        assert times(trace, Kind.FETCH_INDICES) == [(101, 150), (150, 166)]


@pytest.mark.cycle
class TestActivationBuffer:
    """64 -> 64 channels over 1 x 4 pixels, a read for each pixel, enough banks of the table.

    A line is one pixel: 64 channels at 1 bit, 8 bytes. Pixel p's window begins with line p - 1
    (p > 0) and is 64 x 9 bit = 72 bytes, 9 lines; its dot products take 32 cycles. Read 0 brings
    lines 0 and 1, read p line p + 1.
    """

    NET = network(layer(64, 64, 1, 4, tau=5))

    def fills(self, cycles: int = 33, **keys: object) -> list[tuple[int, int]]:
        """Of the first three pixels, with DRAM that moves a line in some cycles."""
        overrides = {
            "memory.dram.latency_cycles": 0,
            "memory.dram.bytes_per_cycle": 8 / cycles + 5e-7,  # six decimals, not below
            "memory.dram.burst_bytes": 8,
            "array.pe.lut_banks": 4,
            f"{ACTIVATION}.transfer_pixels": 1,
            f"{ACTIVATION}.bytes_per_cycle": 8,
            **{f"{ACTIVATION}.{key}": value for key, value in keys.items()},
        }
        return times(traced(self.NET, overrides), Kind.FILL)[:3]

    def test_two_ports_do_not_meet(self) -> None:
        # reads are ready at 66, 99, 132
        assert self.fills(ports=2) == [(66, 98), (99, 131), (132, 164)]

    def test_one_bank(self) -> None:
        # 66: lines 0 and 1 are written before line 0 is read: 2 lost, 66 + 2 + 32 = 100
        # 100: line 2 was written in cycle 99: just missed, 100 + 32 = 132
        # 132: line 3 is written in this cycle: just met, 132 + 1 + 32 = 165
        assert self.fills(ports=1) == [(66, 100), (100, 132), (132, 165)]

    def test_two_banks(self) -> None:
        # 66: line 0 is written, so it is read in 67, when line 1 is written: 66 + 1 + 32 = 99
        # 99: line 2 is written, line 0 wanted: the same bank, 99 + 1 + 32 = 132
        # 132: line 3 is written, line 1 wanted: the same bank, 132 + 1 + 32 = 165
        assert self.fills(ports=1, banks=2) == [(66, 99), (99, 132), (132, 165)]

    def test_three_banks(self) -> None:
        # 66: as with two; 99: line 2 and line 0, 132: line 3 and line 1 lie in different banks
        assert self.fills(ports=1, banks=3) == [(66, 99), (99, 131), (132, 164)]

    def test_a_line_is_met_in_the_middle_of_a_window(self) -> None:
        # reads are ready at 60, 90, 120. 60: lines 0 and 1 first, 60 + 2 + 32 = 94
        # 94: line 2 was written in 90; 94 + 32 = 126: line 3 was written in 120, line 4 never is
        assert self.fills(cycles=30, ports=1) == [(60, 94), (94, 126), (126, 158)]
        # ready at 6, 9, 12: lines are written in 6, 7, 9, 12; read in 8, 10, 11, 13 to 18: 4 lost
        assert self.fills(cycles=3, ports=1) == [(6, 42), (42, 74), (74, 106)]

    def test_a_write_behind_the_last_line_is_not_met(self) -> None:
        # ready at 24, 36, 48: lines 0 and 1 are written in 24 and 25, then 9 lines are read, 26 to
        # 34; line 2 is written in 36, while the dot products are made
        assert self.fills(cycles=12, ports=1)[0] == (24, 24 + 2 + 32)
        # ready at 22, 33: read 24 to 32, line 2 is written in 33, just behind the last
        assert self.fills(cycles=11, ports=1)[0] == (22, 22 + 2 + 32)
        # ready at 20, 30: lines are read 22 to 29, line 2 is written in 30, the last read in 31
        assert self.fills(cycles=10, ports=1)[0] == (20, 20 + 3 + 32)

    def test_a_line_of_all_windows_meets_a_write_once(self) -> None:
        # docs/machine.md: 16 bytes of input, one line of 72, are ready at 104, when a fill begins
        trace = traced(network(layer(64, 64, 1, 2, tau=5)), {f"{ACTIVATION}.ports": 1})
        assert times(trace, Kind.FILL) == [(104, 104 + 1 + 32), (137, 137 + 32)]

    def test_a_direct_step(self) -> None:
        # weights: 64 x 64 x 9 bit = 4608 bytes, 72 bursts, 288 cycles, ready at 388, a fetch of 29:
        # the inputs were written in 104, long before; 417 + 64
        slow = {f"{ACTIVATION}.ports": 1}
        assert times(traced(network(layer(64, 64, 1, 1)), slow), Kind.DIRECT) == [(417, 481)]
        # with weights at once and inputs at 104: 1 lost
        trace = traced(network(layer(64, 64, 1, 1)), slow | {"memory.dram.bytes_per_cycle": 1e9})
        # load 0 to 1, ready at 101; fetch 101 to 130; inputs ready at 101, written in 101
        assert times(trace, Kind.DIRECT) == [(130, 194)]

    def test_later_passes_find_their_windows(self) -> None:
        # tau 6: two passes of 32 entries; only the first reads, and loses a cycle to 16 bytes
        trace = traced(network(layer(64, 128, 1, 1, tau=6)), {f"{ACTIVATION}.ports": 1})
        assert times(trace, Kind.FILL) == [(104, 137), (137, 169)]

    def test_mac_steps_meet_nobody(self) -> None:
        net = network(layer(3, 8, 4, 4, full_precision=True))
        two, one = (traced(net, {f"{ACTIVATION}.ports": ports}).cycles for ports in (2, 1))
        assert one == two


@pytest.mark.cycle
def test_both_buffers_share_their_ports() -> None:
    """The worked example: each of the two conflicts costs what it costs alone."""
    net = network(layer(64, 64, 1, 2, tau=5))
    trace = traced(net, ONE | {f"{ACTIVATION}.ports": 1})
    assert times(trace, Kind.FILL) == [(104, 137), (137, 169)]
    assert times(trace, Kind.FETCH_INDICES) == [(264, 297)]
    # 332 cycles as of docs/machine.md, and the fetch's 17; fills hide behind the weights
    assert trace.cycles == 332 + 17


def contended(ran: Executed, port: SharedPort) -> dict[int, int]:
    """Cycles that each read loses, by brute force: in which it runs without reading."""
    program, ready = ran.program, ran.ready
    written: dict[int, int] = {}
    free = 0
    for load in np.flatnonzero(program.unit == port.writer)[
        np.argsort(ready[program.unit == port.writer], kind="stable")
    ]:
        for number in range(port.lines[load]):
            free = max(free, int(ready[load]))
            written[free] = int(port.line[load]) + number
            free += 1
    lost = {}
    for read in np.flatnonzero((program.unit == port.reader) & (port.lines > 0)):
        line, behind = int(port.line[read]), int(port.line[read] + port.lines[read])
        cycle = int(ran.start[read])
        lost[int(read)] = 0
        while line < behind:
            if cycle in written and written[cycle] % port.banks == line % port.banks:
                lost[int(read)] += 1
            else:
                line += 1
            cycle += 1
    return lost


@st.composite
def shared(draw: st.DrawFn) -> Overrides:
    """One port at one of the buffers, or at both."""
    buffers = draw(st.sampled_from([(INDEX,), (ACTIVATION,), (INDEX, ACTIVATION)]))
    keys: dict[str, Any] = {}
    for buffer in buffers:
        keys |= {f"{buffer}.ports": 1, f"{buffer}.banks": draw(st.integers(1, 4))}
    return keys


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), ports=shared())
def test_every_lost_cycle_is_a_conflict(
    workload: Workload, overrides: Overrides, ports: Overrides
) -> None:
    mapping, ran = executed(workload, overrides | ports)
    program = ran.program
    longer = program.cycles - mapping.program.cycles
    lost = np.zeros_like(longer)
    for port in program.ports:
        for read, cycles in contended(ran, port).items():
            lost[read] = cycles
    assert longer.tolist() == lost.tolist()
    assert ran.ready.max() >= run_event(mapping.program).ready.max()
    again = run_event(replace(program, ports=()))
    assert again.start.tolist() == ran.start.tolist()


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), ports=shared())
def test_parts_add_up_and_losses_are_named(
    workload: Workload, overrides: Overrides, ports: Overrides
) -> None:
    mapping, ran = executed(workload, overrides | ports)
    trace = converted(ran, mapping)
    lost = sum(sum(contended(ran, port).values()) for port in ran.program.ports)
    assert trace.lost.sum() == lost
    parts = attribute(trace)
    for ours, one in zip(parts, layer_results(mapping, summarize(trace)), strict=True):
        assert sum(ours.values()) == one.cycles
        assert min(ours.values()) >= 0
    assert sum(ours[Part.BUFFER_CONFLICT] for ours in parts) <= lost


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), banks=st.integers(2, 5))
def test_with_two_banks_a_read_loses_at_most_a_cycle_to_each_transfer(
    workload: Workload, overrides: Overrides, banks: int
) -> None:
    """Behind a conflict the read is a line behind the write, and stays there."""
    for buffer in (INDEX, ACTIVATION):
        overrides |= {f"{buffer}.ports": 1, f"{buffer}.banks": banks}
    _, ran = executed(workload, overrides)
    program, ready = ran.program, ran.ready
    for port in program.ports:
        writes = np.flatnonzero((program.unit == port.writer) & (port.lines > 0))
        free, spans = 0, []
        for write in writes[np.argsort(ready[writes], kind="stable")]:
            begin = max(free, int(ready[write]))
            free = begin + int(port.lines[write])
            spans.append((begin, free))
        for read, lost in contended(ran, port).items():
            begin, end = int(ran.start[read]), int(ran.end[read])
            assert lost <= sum(first < end and begin < behind for first, behind in spans)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_lines_lie_in_the_layers_input(workload: Workload, overrides: Overrides) -> None:
    """Every step's window begins at a value of the input; a step reads what its fetches need."""
    overrides |= {f"{ACTIVATION}.ports": 1, f"{ACTIVATION}.bytes_per_cycle": 1}
    mapping, ran = executed(workload, overrides)
    program, (port,) = ran.program, ran.program.ports
    for number, mapped in enumerate(mapping.layers):
        plan, inner = mapped.plan, mapped.plan.layer
        mine = program.layer == number
        reads = mine & (program.unit == Unit.DOT) & (port.lines > 0)
        size = plan.batch * inner.images * inner.in_height * inner.in_width * inner.in_channels
        outside = inner.in_width + 1  # a window of padding alone
        limit = size + outside * inner.in_channels
        assert port.line[reads].max(initial=0) <= limit * plan.activation_bits / 8
        writes = mine & (program.unit == Unit.DRAM_INPUTS)
        assert port.lines[writes].sum() == program.bytes[writes].sum()
        steps = plan.pixel_steps * len(plan.blocks) * len(plan.group_units)
        assert reads.sum() == (0 if plan.mode == "mac" else steps)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("section", "line"), [("index_buffer", "kib: 576 "), ("activation_buffer", "kib: 64 ")]
)
def test_banks_of_two_ports_are_an_error_in_a_file(tmp_path: Path, section: str, line: str) -> None:
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    assert text.count(line) == 1
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(line, f"{line}\n    banks: 2 "))
    with pytest.raises(InputError, match=rf"{section}.banks has an effect only with .*ports 1"):
        load_hardware(path)
    for key in (INDEX, ACTIVATION):
        assert f"{key}.ports is 1" in str(why_not_fast(machine({f"{key}.ports": 1})))


@pytest.mark.command
class TestCommand:
    R20 = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56")

    @pytest.mark.parametrize("buffer", [INDEX, ACTIVATION])
    def test_settings_say_what_they_did(self, command: Command, buffer: str) -> None:
        done = command(*self.R20, "--set", f"{buffer}.banks=2")
        assert "has no effect because it applies only with one port" in done.stdout
        done = command(*self.R20, "--set", f"{buffer}.ports=1", "--why")
        assert f"both runs use the event engine because {buffer}.ports is 1" in done.stdout
        assert f"note: {buffer}.ports 2 -> 1 lengthens the run from " in done.stdout
        assert (
            "buffer port" in done.stdout.partition("critical path")[2]
        )  # the column of the losses

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("ports=3", "ports is 3: invalid enum value 3, expected 1 or 2"),
            ("ports=0", "ports is 0: invalid enum value 0, expected 1 or 2"),
            ("banks=0", "banks is 0: expected int >= 1"),
            ("bytes_per_cycle=0", "bytes_per_cycle is 0: expected float > 0.0"),
            ("bytes_per_cycle=all", "expected windows, a number, or an expression"),
        ],
    )
    def test_wrong_values(self, command: Command, setting: str, words: str) -> None:
        done = command(*self.R20, "--set", f"{ACTIVATION}.{setting}")
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert words in done.stderr

    def test_the_fast_engine_refuses(self, command: Command) -> None:
        done = command(*self.R20, "--engine", "fast", "--set", f"{ACTIVATION}.ports=1")
        assert done.returncode == 2
        assert f"engine fast: not available because {ACTIVATION}.ports is 1" in done.stderr


@pytest.mark.unit
class TestReport:
    """What a run of one layer says about its port."""

    def result(self, net: Workload, **keys: object) -> Result:
        return simulate(net, machine({f"{ACTIVATION}.{k}": v for k, v in keys.items()}), tau=5)

    def test_losses_are_noted_hidden_or_not(self) -> None:
        # the worked example: the first fill loses a cycle, and hides behind the weights
        net = network(layer(64, 64, 1, 2, tau=5))
        one, two = (self.result(net, ports=ports) for ports in (1, 2))
        assert (
            "at 0.56 bit: reads of the activation buffer lose 1 cycle to writes because the buffer "
            "has one port."
        ) in one.notes()
        assert not any("reads of" in note for note in two.notes())
        # the baseline reads later: its steps wait for their kernels, behind the inputs
        assert why_unmoved(f"{ACTIVATION}.ports", one, two) == (
            "other units hide the cycles that reads lose to writes (0 -> 1, both runs together)"
        )

    def test_reads_that_meet_no_write(self) -> None:
        # 32 outputs are not worth a table; direct steps wait for kernels or indices longer than
        # for inputs, which are written in 104
        net = network(layer(64, 32, 1, 1, tau=5))
        one, two = (self.result(net, ports=ports) for ports in (1, 2))
        assert why_unmoved(f"{ACTIVATION}.ports", one, two) == (
            "no read collides with a write to the same bank"
        )

    def test_behind_a_dram_table(self) -> None:
        """What is ready when is measured there; every loss is still a write of the same bank."""
        hardware = machine(
            ONE
            | {
                f"{ACTIVATION}.ports": 1,
                f"{ACTIVATION}.bytes_per_cycle": 5,
                "memory.dram.timing": "ddr4-2400",
            }
        )
        net = network(layer(70, 64, 6, 6, tau=5, name="a"), layer(64, 64, 6, 6, tau=5, name="b"))
        run_ = simulate(net, hardware, tau=5).run
        mapping = run_.mapping
        program = with_dram(mapping.program, mapping, hardware)
        ran = run_event(with_ports(program, mapping, hardware))
        lost = [sum(contended(ran, port).values()) for port in ran.program.ports]
        assert min(lost) > 0
        assert run_.trace.lost.sum() == sum(lost)
        for parts, one in zip(run_.attribution, run_.layers, strict=True):
            assert sum(parts.values()) == one.cycles


def first_value(plan: LayerPlan, step: int) -> int:
    """Byte at which a step's windows begin, by hand: first pixel, first channel."""
    nest, inner = nest_of(plan), plan.layer
    visit, group = divmod(step, nest.groups)
    pixel = int(nest.pixel_step[visit]) * plan.pixels_per_step
    image, inside = divmod(pixel, inner.out_height * inner.out_width)
    row, column = divmod(inside, inner.out_width)
    top = max(row * inner.stride - inner.padding, 0)
    left = max(column * inner.stride - inner.padding, 0)
    own = inner.in_channels // inner.groups
    of_group = sum(block.outputs for block in plan.blocks[: int(nest.block[visit])])
    channel = of_group // (inner.out_channels // inner.groups) * own
    channel += sum(plan.group_units[:group]) * inner.unit_channels
    place = ((image * inner.in_height + top) * inner.in_width + left) * inner.in_channels + channel
    return place * plan.activation_bits // 8


@pytest.mark.unit
@pytest.mark.parametrize("pes", [5, 64])
@pytest.mark.parametrize("kernel", [1, 3])
def test_windows_begin_at_their_first_value(kernel: int, pes: int) -> None:
    """Two images, two groups of the convolution, stride 2, several blocks and groups of channels.

    Without more padding than a kernel reaches over, so that every window holds a value.
    """
    net = network(
        layer(160, 96, 7, 9, kernel=kernel, stride=2, groups=2, tau=5), batch=2, activation_bits=2
    )
    keys = {"array.pes": pes, "array.pe.partial_sums": 20, f"{ACTIVATION}.bytes_per_cycle": 3}
    mapping, ran = executed(net, {**keys, f"{ACTIVATION}.ports": 1})
    program, (port,), (mapped,) = ran.program, ran.program.ports, mapping.layers
    reads = np.flatnonzero((program.unit == Unit.DOT) & (port.lines > 0))
    expected = [first_value(mapped.plan, int(step)) // 3 for step in program.step[reads]]
    assert port.line[reads].tolist() == expected
    assert len(set(expected)) > 10
