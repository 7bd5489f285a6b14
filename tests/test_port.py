"""Buffers with one port: reads and writes of a bank exclude each other."""

from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from simulator import InputError, Result, load_hardware, simulate
from simulator.analysis.attribution import attribute
from simulator.analysis.changes import change_of
from simulator.analysis.layers import layer_results
from simulator.engine.summary import summarize
from simulator.engine.trace import Trace
from simulator.machines.family import Mapping
from simulator.machines.lut_array.event_only import why_not_fast
from simulator.machines.lut_array.no_effect import why_no_effect
from simulator.machines.lut_array.plan import LayerPlan
from simulator.program import SharedPort, Unit
from simulator.program.served import WordsOf
from simulator.workload import Workload
from tests.build import layer, machine, network, times, trace_of, without_trace
from tests.conftest import ROOT, Command
from tests.nest import nest_of, pixels_in_order
from tests.numbering import Kind, Part
from tests.programs import keeps_the_contract
from tests.strategies import Overrides, machines, mapping_of, networks

INDEX, ACTIVATION = "memory.index_buffer", "memory.activation_buffer"
ONE = {f"{INDEX}.ports": 1}


def run(workload: Workload, overrides: Overrides) -> tuple[Mapping, Trace]:
    mapping = mapping_of(workload, overrides)
    return mapping, trace_of(mapping)


@pytest.mark.cycle
class TestIndexBuffer:
    """64 -> 64 channels over 1 x 2 pixels: docs/machine.md, with the fetch from 264 to 280."""

    NET = network(layer(64, 64, 1, 2, tau=5))

    def fetches(self, **keys: object) -> list[tuple[int, int]]:
        overrides = {f"{INDEX}.{key}": value for key, value in keys.items()}
        return times(run(self.NET, overrides)[1], Kind.FETCH_INDICES)

    def test_two_ports_do_not_meet(self) -> None:
        assert self.fetches(ports=2) == [(264, 280)]

    def test_one_bank_is_written_first(self) -> None:
        # 41 bursts of 64 bytes are 17 words of 160, written from 264 on; then 16 words are read
        assert self.fetches(ports=1) == [(264, 264 + 17 + 16)]

    @pytest.mark.parametrize("banks", [2, 3, 8])
    def test_a_second_bank_is_read_behind_the_line_that_is_written(self, banks: int) -> None:
        # word 0 is written in cycle 264; it is therefore read in 265, when word 1 is written
        assert self.fetches(ports=1, banks=banks) == [(264, 281)]

    def test_banks_keep_out_of_step(self) -> None:
        """Two layers: one fetches repeatedly while the kernels of the next layer arrive."""
        net = network(layer(128, 64, 8, 8, tau=5), layer(64, 64, 8, 8, tau=5, name="next"))
        two, one, many = (
            run(net, {f"{INDEX}.ports": ports, **banks})[1].cycles
            for ports, banks in ((2, {}), (1, {}), (1, {f"{INDEX}.banks": 16}))
        )
        assert two < many < one

    def test_writes_come_one_behind_the_other(self) -> None:
        """Both weight tiles of a block of two groups arrive before the first fetch ends."""
        net = network(layer(128, 64, 1, 1, tau=5))
        _, trace = run(net, ONE | {"memory.dram.bytes_per_cycle": 1e9})
        # load 0: cycle 0 to 1, ready at 101, 41 bursts, 17 words: written 101 to 118
        # load 1: cycle 1 to 2, ready at 102, 40 bursts, 16 words: written 118 to 134
        # fetch 0 begins at 101 and finds no free cycle before 134; fetch 1 follows immediately
        assert times(trace, Kind.FETCH_INDICES) == [(101, 150), (150, 166)]


@pytest.mark.cycle
class TestActivationBuffer:
    """64 -> 64 channels over 1 x 4 pixels, a read for each pixel, enough banks of the LUT.

    A word is one pixel: 64 channels at 1 bit, 8 bytes. Pixel p's window begins with word p - 1 (p >
    0) and is 64 x 9 bit = 72 bytes, 9 words; its dot products take 32 cycles. Read 0 brings words 0
    and 1, read p word p + 1.
    """

    NET = network(layer(64, 64, 1, 4, tau=5))

    def fills(self, cycles: int = 33, **keys: object) -> list[tuple[int, int]]:
        """Fills of the first three pixels; DRAM moves a word in this many cycles."""
        overrides = {
            "memory.dram.latency_cycles": 0,
            "memory.dram.bytes_per_cycle": 8 / cycles + 5e-7,  # six decimals, not below
            "memory.dram.burst_bytes": 8,
            "array.pe.lut_banks": 4,
            f"{ACTIVATION}.transfer_pixels": 1,
            f"{ACTIVATION}.bytes_per_cycle": 8,
            **{f"{ACTIVATION}.{key}": value for key, value in keys.items()},
        }
        return times(run(self.NET, overrides)[1], Kind.FILL)[:3]

    def test_two_ports_do_not_meet(self) -> None:
        # reads are ready at 66, 99, 132
        assert self.fills(ports=2) == [(66, 98), (99, 131), (132, 164)]

    def test_one_bank(self) -> None:
        # 66: words 0 and 1 are written before word 0 is read: 2 lost, 66 + 2 + 32 = 100
        # 100: word 2 was written in cycle 99: just missed, 100 + 32 = 132
        # 132: word 3 is written in this cycle: just met, 132 + 1 + 32 = 165
        assert self.fills(ports=1) == [(66, 100), (100, 132), (132, 165)]

    def test_two_banks(self) -> None:
        # 66: word 0 is written and therefore read in 67, with the write of word 1: 66 + 1 + 32 = 99
        # 99: word 2 is written, word 0 requested: the same bank, 99 + 1 + 32 = 132
        # 132: word 3 is written, word 1 requested: the same bank, 132 + 1 + 32 = 165
        assert self.fills(ports=1, banks=2) == [(66, 99), (99, 132), (132, 165)]

    def test_three_banks(self) -> None:
        # 66: as with two; 99: word 2 and word 0, 132: word 3 and word 1 are in different banks
        assert self.fills(ports=1, banks=3) == [(66, 99), (99, 131), (132, 164)]

    def test_a_word_is_met_in_the_middle_of_a_window(self) -> None:
        # reads are ready at 60, 90, 120. 60: words 0 and 1 first, 60 + 2 + 32 = 94
        # 94: word 2 was written in 90; 94 + 32 = 126: word 3 was written in 120, word 4 never is
        assert self.fills(cycles=30, ports=1) == [(60, 94), (94, 126), (126, 158)]
        # ready at 6, 9, 12: words are written in 6, 7, 9, 12; read in 8, 10, 11, 13 to 18: 4 lost
        assert self.fills(cycles=3, ports=1) == [(6, 42), (42, 74), (74, 106)]

    def test_a_write_behind_the_last_line_is_not_met(self) -> None:
        # ready at 24, 36, 48: words 0 and 1 are written in 24 and 25, then 9 words are read, 26 to
        # 34; word 2 is written in 36, during the dot products
        assert self.fills(cycles=12, ports=1)[0] == (24, 24 + 2 + 32)
        # ready at 22, 33: read 24 to 32, word 2 is written in 33, just after the last
        assert self.fills(cycles=11, ports=1)[0] == (22, 22 + 2 + 32)
        # ready at 20, 30: words are read 22 to 29, word 2 is written in 30, the last read in 31
        assert self.fills(cycles=10, ports=1)[0] == (20, 20 + 3 + 32)

    def test_a_word_of_all_windows_meets_a_write_once(self) -> None:
        # docs/machine.md: 16 bytes of input, one word of 72, are ready at 104, when a fill begins
        _, trace = run(network(layer(64, 64, 1, 2, tau=5)), {f"{ACTIVATION}.ports": 1})
        assert times(trace, Kind.FILL) == [(104, 104 + 1 + 32), (137, 137 + 32)]

    def test_a_direct_step(self) -> None:
        # weights: 64 x 64 x 9 bit = 4608 bytes, 72 bursts, 288 cycles, ready at 388, a fetch of 29:
        # the inputs were written in 104, long before; 417 + 64
        slow = {f"{ACTIVATION}.ports": 1}
        assert times(run(network(layer(64, 64, 1, 1)), slow)[1], Kind.DIRECT) == [(417, 481)]
        # with weights at once and inputs at 104: 1 lost
        _, trace = run(network(layer(64, 64, 1, 1)), slow | {"memory.dram.bytes_per_cycle": 1e9})
        # load 0 to 1, ready at 101; fetch 101 to 130; inputs ready at 101, written in 101
        assert times(trace, Kind.DIRECT) == [(130, 194)]

    def test_later_passes_find_their_windows(self) -> None:
        # tau 6: two passes of 32 entries; only the first reads, and loses a cycle to 16 bytes
        _, trace = run(network(layer(64, 128, 1, 1, tau=6)), {f"{ACTIVATION}.ports": 1})
        assert times(trace, Kind.FILL) == [(104, 137), (137, 169)]

    def test_mac_steps_meet_nobody(self) -> None:
        net = network(layer(3, 8, 4, 4, full_precision=True))
        two, one = (run(net, {f"{ACTIVATION}.ports": ports})[1].cycles for ports in (2, 1))
        assert one == two


@pytest.mark.cycle
def test_both_buffers_share_their_ports() -> None:
    """The worked example: each of the two conflicts costs the same cycles as it does alone."""
    net = network(layer(64, 64, 1, 2, tau=5))
    _, trace = run(net, ONE | {f"{ACTIVATION}.ports": 1})
    assert times(trace, Kind.FILL) == [(104, 137), (137, 169)]
    assert times(trace, Kind.FETCH_INDICES) == [(264, 297)]
    # 332 cycles as in docs/machine.md, and the fetch's 17; the weights hide the fills
    assert trace.cycles == 332 + 17


class Words(NamedTuple):
    """Words that a command reads or writes, computed by hand."""

    row: int
    """Row in the trace."""
    first: int
    length: int


def words_of(trace: Trace, unit: Unit, words: WordsOf) -> list[Words]:
    """Rows of a unit's commands that have words, with their words."""
    rows = np.flatnonzero(trace.unit == trace.units.index(unit.name)).tolist()
    both = zip(rows, words(), strict=True)
    return [Words(row, first, length) for row, (first, length) in both if length]


def writes(trace: Trace, port: SharedPort) -> list[Words]:
    """Writes in order of time."""
    found = words_of(trace, port.writer, port.written)
    return sorted(found, key=lambda words: int(trace.ready[words.row]))


def contended(trace: Trace, port: SharedPort) -> dict[int, int]:
    """Cycles that each read loses, by brute force: the cycles in which it runs without reading."""
    written: dict[int, int] = {}
    free = 0
    for load, first, length in writes(trace, port):
        for number in range(length):
            free = max(free, int(trace.ready[load]))
            written[free] = first + number
            free += 1
    lost = {}
    for read, first, length in words_of(trace, port.reader, port.read):
        word, cycle = first, int(trace.start[read])
        lost[read] = 0
        while word < first + length:
            if cycle in written and written[cycle] % port.banks == word % port.banks:
                lost[read] += 1
            else:
                word += 1
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
    mapping, trace = run(workload, overrides | ports)
    lost = np.zeros_like(trace.lost)
    for port in mapping.program.ports:
        for read, cycles in contended(trace, port).items():
            lost[read] = cycles
    assert trace.lost.tolist() == lost.tolist()
    free = trace_of(mapping_of(workload, overrides))
    assert (trace.occupied - trace.lost).tolist() == free.occupied.tolist()
    assert trace.cycles >= free.cycles
    keeps_the_contract(mapping.program, trace)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), ports=shared())
def test_parts_add_up_and_losses_are_named(
    workload: Workload, overrides: Overrides, ports: Overrides
) -> None:
    mapping, trace = run(workload, overrides | ports)
    parts = attribute(trace)
    for ours, one in zip(parts, layer_results(mapping, summarize(trace)), strict=True):
        assert sum(ours.values()) == one.cycles
        assert min(ours.values()) >= 0
    assert sum(ours[Part.BUFFER_CONFLICT] for ours in parts) <= trace.lost.sum()


@pytest.mark.invariant
@given(workload=networks(), overrides=machines(), banks=st.integers(2, 5))
def test_with_two_banks_a_read_loses_at_most_a_cycle_to_each_transfer(
    workload: Workload, overrides: Overrides, banks: int
) -> None:
    """After a conflict, the read is one word after the write, and keeps this distance."""
    for buffer in (INDEX, ACTIVATION):
        overrides |= {f"{buffer}.ports": 1, f"{buffer}.banks": banks}
    mapping, trace = run(workload, overrides)
    for port in mapping.program.ports:
        free, spans = 0, []
        for write, _, length in writes(trace, port):
            begin = max(free, int(trace.ready[write]))
            free = begin + length
            spans.append((begin, free))
        for read, lost in contended(trace, port).items():
            begin, end = int(trace.start[read]), int(trace.end[read])
            assert lost <= sum(first < end and begin < behind for first, behind in spans)


@pytest.mark.invariant
@given(workload=networks(), overrides=machines())
def test_words_are_in_the_layers_input(workload: Workload, overrides: Overrides) -> None:
    """Every step's window begins at an input value; a step reads the inputs of its fetches."""
    overrides |= {f"{ACTIVATION}.ports": 1, f"{ACTIVATION}.bytes_per_cycle": 1}
    mapping, trace = run(workload, overrides)
    (port,) = mapping.program.ports
    read = words_of(trace, port.reader, port.read)
    written = words_of(trace, port.writer, port.written)
    for number, mapped in enumerate(mapping.layers):
        plan, inner = mapped.plan, mapped.plan.layer
        size = plan.batch * inner.images * inner.in_height * inner.in_width * inner.in_channels
        outside = inner.in_width + 1  # a window of padding alone
        limit = size + outside * inner.in_channels
        reads = [words for words in read if trace.layer[words.row] == number]
        assert max((word.first for word in reads), default=0) <= limit * plan.activation_bits / 8
        for row, _, length in written:
            assert length == trace.bytes[row]  # a word is a byte
        steps = plan.pixel_steps * len(plan.blocks) * len(plan.group_units)
        assert len(reads) == (0 if plan.mode == "mac" else steps)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("section", "word"), [("index_buffer", "kib: 576 "), ("activation_buffer", "kib: 64 ")]
)
def test_banks_of_two_ports_are_an_error_in_a_file(tmp_path: Path, section: str, word: str) -> None:
    text = (ROOT / "hw_configs/cofluent64.yaml").read_text()
    assert text.count(word) == 1
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(word, f"{word}\n    banks: 2 "))
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
    """The report of a run of one layer on its port."""

    def result(self, net: Workload, **keys: object) -> Result:
        return simulate(net, machine({f"{ACTIVATION}.{k}": v for k, v in keys.items()}), tau=5)

    def test_losses_are_noted_hidden_or_not(self) -> None:
        # the worked example: the first fill loses a cycle, but the weights hide it
        net = network(layer(64, 64, 1, 2, tau=5))
        one, two = (self.result(net, ports=ports) for ports in (1, 2))
        assert (
            "at 0.56 bit: reads of the activation buffer lose 1 cycle to writes because the buffer "
            "has one port."
        ) in one.notes()
        assert not any("reads of" in note for note in two.notes())
        # the baseline reads later because its steps wait for their kernels, which follow the inputs
        change = change_of(f"{ACTIVATION}.ports", one, without_trace(two))
        assert why_no_effect(change) == (
            "other units hide the cycles that reads lose to writes (0 -> 1, both runs together)"
        )

    def test_reads_that_meet_no_write(self) -> None:
        # a LUT does not pay for 32 outputs; direct steps wait longer for kernels or indices than
        # for inputs, which are written in 104
        net = network(layer(64, 32, 1, 1, tau=5))
        one, two = (self.result(net, ports=ports) for ports in (1, 2))
        change = change_of(f"{ACTIVATION}.ports", one, two)
        assert why_no_effect(change) == ("no read collides with a write to the same bank")

    def test_behind_a_dram_table(self) -> None:
        """The test measures times of arrival; every loss is still a write to the same bank."""
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
        assert isinstance(run_.mapping, Mapping)
        ports = run_.mapping.program.ports
        lost = [sum(contended(run_.trace, port).values()) for port in ports]
        assert min(lost) > 0
        assert run_.trace.lost.sum() == sum(lost)
        for parts, one in zip(run_.attribution, run_.layers, strict=True):
            assert sum(parts.values()) == one.cycles


def first_value(plan: LayerPlan, step: int) -> int:
    """Byte at which a step's windows begin, by hand: first pixel, first channel."""
    nest, inner = nest_of(plan), plan.layer
    tile, group = divmod(step, nest.groups)
    pixel = int(nest.pixel_step[tile]) * plan.pixels_per_step
    image, row, column = pixels_in_order(inner, plan.image_blocks)[pixel]
    top = max(row * inner.strides.height - inner.paddings.height, 0)
    left = max(column * inner.strides.width - inner.paddings.width, 0)
    own = inner.in_channels // inner.groups
    of_group = sum(block.outputs for block in plan.blocks[: int(nest.block[tile])])
    channel = of_group // (inner.out_channels // inner.groups) * own
    channel += sum(plan.group_units[:group]) * inner.unit_channels
    place = ((image * inner.in_height + top) * inner.in_width + left) * inner.in_channels + channel
    return place * plan.activation_bits // 8


@pytest.mark.unit
@pytest.mark.parametrize("pes", [5, 64])
@pytest.mark.parametrize("kernel", [1, 3])
def test_windows_begin_at_their_first_value(kernel: int, pes: int) -> None:
    """Two images, two groups of the convolution, stride 2, several blocks and groups of channels.

    The padding is smaller than a kernel. Every window therefore contains a value.
    """
    net = network(
        layer(160, 96, 7, 9, kernel=kernel, stride=2, groups=2, tau=5), batch=2, activation_bits=2
    )
    keys = {"array.pes": pes, "array.pe.partial_sums": 20, f"{ACTIVATION}.bytes_per_cycle": 3}
    mapping, trace = run(net, {**keys, f"{ACTIVATION}.ports": 1})
    (port,), (mapped,) = mapping.program.ports, mapping.layers
    reads = words_of(trace, port.reader, port.read)
    expected = [first_value(mapped.plan, int(trace.step[words.row])) // 3 for words in reads]
    assert [words.first for words in reads] == expected
    assert len(set(expected)) > 10
