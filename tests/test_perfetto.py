"""The Perfetto trace, read by Perfetto's own schema: every slice, its nesting and length."""

import gzip
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TracePacket, TrackEvent

from simulator import Result, load_hardware, load_workload, simulate
from simulator.analysis.bandwidth import dram_rates, window_edges, window_means
from simulator.dram.tables import dram_timing
from simulator.report.perfetto import perfetto_packets, write_perfetto
from simulator.report.protobuf import double, joined, message, text, uint
from tests import build
from tests.conftest import Command
from tests.numbering import Kind, Unit

pytestmark = pytest.mark.unit


def all_known(one: Message) -> bool:
    """True if the schema has every field, with the kind in which the field was written."""
    inner = [
        each
        for field_, value in one.ListFields()
        if field_.type == field_.TYPE_MESSAGE
        for each in ([value] if isinstance(value, Message) else value)
    ]
    return not len(UnknownFieldSet(one)) and all(map(all_known, inner))


@dataclass
class Slice:
    name: str
    start: int
    end: int
    depth: int
    arguments: dict[str, int]


@dataclass
class Parsed:
    tracks: dict[int, str] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    slices: dict[int, list[Slice]] = field(default_factory=lambda: defaultdict(list))
    counters: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))

    def named(self, process: int, name: str) -> int:
        """The track of a run."""
        (uuid,) = [
            uuid
            for uuid, title in self.tracks.items()
            if title == name and self.parents.get(uuid) == process
        ]
        return uuid


def parsed(data: bytes) -> Parsed:
    """Read a trace as the UI does: a stack of open slices per track."""
    trace = Parsed()
    events: dict[int, str] = {}
    arguments: dict[int, str] = {}
    open_: dict[int, list[Slice]] = defaultdict(list)
    for packet in Trace.FromString(data).packet:
        assert all_known(packet)
        assert packet.trusted_packet_sequence_id == 1
        if packet.HasField("interned_data"):
            assert packet.sequence_flags == TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
            events |= {entry.iid: entry.name for entry in packet.interned_data.event_names}
            named = packet.interned_data.debug_annotation_names
            arguments |= {entry.iid: entry.name for entry in named}
        elif packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in trace.tracks
            trace.tracks[track.uuid] = track.name or track.process.process_name
            if track.HasField("parent_uuid"):
                trace.parents[track.uuid] = track.parent_uuid
        else:
            event, at = packet.track_event, packet.timestamp
            stack = open_[event.track_uuid]
            assert event.track_uuid in trace.tracks
            if event.type == TrackEvent.TYPE_COUNTER:
                trace.counters[event.track_uuid].append((at, event.double_counter_value))
            elif event.type == TrackEvent.TYPE_SLICE_BEGIN:
                assert packet.sequence_flags == TracePacket.SEQ_NEEDS_INCREMENTAL_STATE
                noted = {arguments[one.name_iid]: one.uint_value for one in event.debug_annotations}
                assert not stack or at >= stack[-1].start
                stack.append(Slice(events[event.name_iid], at, -1, len(stack), noted))
                trace.slices[event.track_uuid].append(stack[-1])
            else:
                assert event.type == TrackEvent.TYPE_SLICE_END
                closed = stack.pop()
                assert at >= closed.start
                closed.end = at
    assert not any(open_.values())
    return trace


def packed(result: Result) -> bytes:
    return b"".join(perfetto_packets(result))


def result(*settings: str, full: bool = False) -> Result:
    return simulate(
        load_workload("r20", (8, 8)),
        load_hardware("cofluent64", settings),
        bits=0.56,
        scope="weights" if full else "binary",
    )


@pytest.fixture(scope="module")
def small() -> Result:
    return result()


@pytest.fixture(scope="module")
def trace(small: Result) -> Parsed:
    return parsed(packed(small))


def test_a_process_per_run_and_a_track_per_unit(trace: Parsed) -> None:
    assert trace.tracks[100] == "run: 0.56 bit, ResNet-20 (CIFAR-10)"
    assert trace.tracks[200] == "baseline: 1 bit, ResNet-20 (CIFAR-10)"
    ours = [name for uuid, name in trace.tracks.items() if trace.parents.get(uuid) == 100]
    assert ours == [
        "layers", "DRAM weights", "DRAM inputs", "DRAM outputs", "index fetch", "dot units",
        "accumulators", "drain", "DRAM weights bandwidth", "DRAM inputs bandwidth",
        "DRAM outputs bandwidth", "PE utilization, dot units", "PE utilization, accumulators",
    ]  # fmt: skip


@pytest.mark.parametrize("full", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("setting", ["array.pes=64", "array.spatial=output_pixels"])
def test_no_slice_is_dropped(setting: str, full: bool) -> None:
    one = result(setting, full=full)
    trace = parsed(packed(one))
    for run, process in ((one.run, 100), (one.baseline, 200)):
        table = run.trace
        found = Counter(
            slice_.name
            for uuid, slices in trace.slices.items()
            if trace.parents[uuid] == process and trace.tracks[uuid] != "layers"
            for slice_ in slices
            if slice_.depth == 1
        )
        expected = np.bincount(table.kind, minlength=len(Kind))
        assert found == {table.kinds[k]: expected[k] for k in Kind if expected[k]}


def test_commands_are_nested_in_their_layer(trace: Parsed, small: Result) -> None:
    run = small.run
    table = run.trace
    slices = trace.slices[trace.named(100, "accumulators")]
    layers = [one for one in slices if one.depth == 0]
    commands = [one for one in slices if one.depth == 1]
    chosen = table.unit == Unit.ACCUMULATE
    assert [one.start for one in commands] == run.trace.start[chosen].tolist()  # 1 GHz: 1 ns
    assert [one.end for one in commands] == run.trace.end[chosen].tolist()
    assert [one.arguments.get("step", 0) for one in commands] == table.step[chosen].tolist()
    assert [one.arguments["pes"] for one in commands] == table.pes[chosen].tolist()
    busy = [layer.name for layer in run.layers if layer.mapped.plan.mode == "lut"]
    assert [one.name for one in layers] == busy
    for layer in layers:
        inside = [one for one in commands if layer.start <= one.start and one.end <= layer.end]
        assert (inside[0].start, inside[-1].end) == (layer.start, layer.end)


def test_layers_and_their_steps(trace: Parsed, small: Result) -> None:
    slices = trace.slices[trace.named(100, "layers")]
    layers = [one for one in slices if one.depth == 0]
    assert [(one.name, one.start, one.end) for one in layers] == [
        (layer.name, layer.start_cycle, layer.end_cycle) for layer in small.run.layers
    ]
    steps = [one for one in slices if one.depth == 1]
    table = small.run.trace
    expected = sum(
        len(np.unique(table.step[table.layer == number])) for number in range(len(layers))
    )
    assert len(steps) == expected
    assert {one.name for one in steps} == {"step"}
    for before, after in pairwise(steps):
        assert after.start >= before.end


def test_durations_follow_the_clock() -> None:
    slow = parsed(packed(result("clock_ghz=0.4")))
    for one in slow.slices[slow.named(100, "dot units")]:
        assert one.end - one.start == pytest.approx(one.arguments["cycles"] * 2.5, abs=1)


def test_counters_hold_the_bytes_and_the_work(trace: Parsed, small: Result) -> None:
    for process, run in ((100, small.run), (200, small.baseline)):
        table = run.trace
        for unit, name in (
            (Unit.DRAM_WEIGHTS, "DRAM weights bandwidth"),
            (Unit.DRAM_INPUTS, "DRAM inputs bandwidth"),
            (Unit.DRAM_OUTPUTS, "DRAM outputs bandwidth"),
        ):
            points = trace.counters[trace.named(process, name)]
            moved = sum(
                value * (after - at) for (at, value), (after, _) in pairwise(points)
            )  # GB/s x ns = bytes
            assert moved == pytest.approx(table.bytes[table.unit == unit].sum())
            assert max(value for _, value in points) <= 16 + 1e-9  # 16 bytes a cycle at 1 GHz
            assert points[-1] == (run.cycles, 0.0)
        dots = trace.counters[trace.named(process, "PE utilization, dot units")]
        assert 50 < max(value for _, value in dots) <= 100 + 1e-9


TABLES = ("fixed", "ddr4-2400", "lpddr4-3200", "hbm2")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.slow
def test_counters_never_pass_the_peak(seed: int) -> None:
    """Random networks and memories: no window exceeds the peak; together they have all bytes."""
    draw = np.random.default_rng(seed)
    layers = [
        build.layer(
            *(int(n) for n in draw.integers(8, 160, 2)), *map(int, draw.integers(1, 9, 2)), tau=4
        )
        for _ in range(draw.integers(1, 3))
    ]
    hardware = build.machine(
        {
            "memory.dram.timing": TABLES[seed % 4],
            "memory.dram.bytes_per_cycle": float(draw.choice([2, 16, 100])),
            "memory.dram.burst_bytes": int(draw.choice([64, 256])),
            "memory.dram.latency_cycles": int(draw.integers(0, 200)),
            "clock_ghz": float(draw.choice([0.2, 1, 1.5, 3])),
        }
        | ({"memory.dram.scheduler": "in_order"} if seed % 8 > 4 else {})
    )
    timing = dram_timing(hardware.dram, hardware.clock_ghz)
    streams = 3 * hardware.memory.dram.bytes_per_cycle
    peak = streams if timing is None else float(timing.peak_bytes_per_cycle)
    for width in (16, 2048):
        run = simulate(build.network(*layers), hardware, tau=4).run
        edges = window_edges(run.cycles, width)
        rates = dram_rates(run, edges)
        assert sum(rates.values()).max() <= peak * (1 + 1e-9)  # type: ignore[union-attr]
        for unit, rate in rates.items():
            moved = run.trace.bytes[run.trace.unit == unit].sum()
            assert (rate * np.diff(edges)).sum() == pytest.approx(moved)
            assert timing is not None or rate.max() <= streams / 3 * (1 + 1e-9)


def test_a_burst_counts_while_its_data_moves() -> None:
    # pieces of 4 cycles from 0, 2 and 5 on, two at once: 8 each, or 2 per cycle
    start, length, amount = (np.array(x) for x in ([0, 2, 5], [4, 4, 4], [8, 8, 8]))
    found = window_means(start, length, amount, np.arange(11), at_once=2)
    assert found.tolist() == [2, 2, 4, 4, 2, 4, 2, 2, 2, 0]


def test_counters_of_a_dram_table_stay_below_its_peak() -> None:
    hardware = build.machine({"memory.dram.timing": "ddr4-2400", "clock_ghz": 1.5})
    net = build.network(build.layer(64, 96, 6, 6, tau=4))
    trace = parsed(packed(simulate(net, hardware, tau=4)))
    for name in ("weights", "inputs", "outputs"):
        points = trace.counters[trace.named(100, f"DRAM {name} bandwidth")]
        assert 0 < max(value for _, value in points) <= 19.2 + 1e-9  # 2400 MT/s x 8 bytes


@pytest.mark.slow
def test_equal_results_are_equal_bytes(small: Result, tmp_path: Path) -> None:
    plain = write_perfetto(small, tmp_path / "a.perfetto-trace").read_bytes()
    zipped = [write_perfetto(result(), tmp_path / f"{n}.gz").read_bytes() for n in "bc"]
    assert zipped[0] == zipped[1]
    assert gzip.decompress(zipped[0]) == plain
    assert len(zipped[0]) < len(plain) / 4


def test_command(command: Command, tmp_path: Path) -> None:
    run = ("--hw", "cofluent64", "--model", "r20", "--bits", "0.56", "--input-size", 8)
    done = command(*run, "--perfetto", "r20.perfetto-trace.gz")
    assert done.returncode == 0, done.stderr
    assert "written: r20.perfetto-trace.gz" in done.stdout
    trace = parsed(gzip.decompress((tmp_path / "r20.perfetto-trace.gz").read_bytes()))
    assert len(trace.slices) > 10
    refused = command(*run, "--perfetto", "no/folder.gz")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "no/folder.gz: cannot be written: the folder no does not exist" in refused.stderr


class TestWireFormat:
    def test_the_examples_of_the_specification(self) -> None:
        # protobuf.dev/programming-guides/encoding: 150 in field 1, "testing" in field 2
        assert uint(1, 150).tobytes() == bytes.fromhex("089601")
        assert text(2, "testing").tobytes() == bytes.fromhex("120774657374696e67")
        assert message(3, uint(1, 150)).tobytes() == bytes.fromhex("1a03089601")

    def test_columns_are_padded_to_one_width(self) -> None:
        values = np.array([0, 1, 127, 128, 2**62])
        rows = uint(8, values)
        assert rows.shape == (5, 1 + 9)  # 63 bits in groups of 7
        read = [TracePacket.FromString(row.tobytes()).timestamp for row in rows]
        assert read == values.tolist()

    def test_rows_are_joined(self) -> None:
        rows = joined(uint(11, 7), double(44, np.array([0.5, 2.0])))
        read = [TrackEvent.FromString(row.tobytes()) for row in rows]
        assert [(one.track_uuid, one.double_counter_value) for one in read] == [(7, 0.5), (7, 2)]
