"""The Perfetto trace, read back: every slice is there, nested, as long as its command."""

import gzip
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from simulator import Result, load_hardware, load_workload, simulate
from simulator.mapping.builder import Kind, Unit
from simulator.report.perfetto import perfetto_packets, write_perfetto
from simulator.report.protobuf import double, joined, message, text, uint
from tests.conftest import Command

pytestmark = pytest.mark.unit

Value = int | bytes


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """(field number, value) of a message in the wire format; fixed64 as its 8 bytes."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = 8 if tag & 7 == 1 else varint()
        assert tag & 7 in {1, 2}
        assert place + size <= len(data)
        yield tag >> 3, data[place : place + size]
        place += size


def first(data: bytes, number: int) -> Value | None:
    return next((value for found, value in fields(data) if found == number), None)


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
    trace, events, arguments = Parsed(), {}, {}
    open_: dict[int, list[Slice]] = defaultdict(list)
    for number, packet in fields(data):
        assert number == 1
        content = dict(fields(packet))
        assert content[10] == 1  # one sequence
        if 12 in content:
            assert content[13] == 1  # clears the state that later packets need
            for kind, entry in fields(content[12]):
                table = {2: events, 3: arguments}[kind]
                table[first(entry, 1)] = first(entry, 2).decode()
        elif 60 in content:
            descriptor = dict(fields(content[60]))
            name = descriptor.get(2) or first(descriptor[3], 6)
            assert descriptor[1] not in trace.tracks
            trace.tracks[descriptor[1]] = name.decode()
            if 5 in descriptor:
                trace.parents[descriptor[1]] = descriptor[5]
        else:
            event, at = dict(fields(content[11])), content[8]
            uuid, kind = event[11], event[9]
            assert uuid in trace.tracks
            if kind == 4:
                trace.counters[uuid].append((at, struct.unpack("<d", event[44])[0]))
            elif kind == 1:
                assert content[13] == 2  # names refer to the interned ones
                noted = [dict(fields(v)) for n, v in fields(content[11]) if n == 4]
                slice_ = Slice(
                    name=events[event[10]],
                    start=at,
                    end=-1,
                    depth=len(open_[uuid]),
                    arguments={arguments[one[1]]: one[3] for one in noted},
                )
                assert not open_[uuid] or at >= open_[uuid][-1].start
                open_[uuid].append(slice_)
                trace.slices[uuid].append(slice_)
            else:
                slice_ = open_[uuid].pop()
                assert at >= slice_.start
                slice_.end = at
    assert not any(open_.values())
    return trace


def packed(result: Result) -> bytes:
    return b"".join(perfetto_packets(result))


def result(*settings: str, full: bool = False) -> Result:
    return simulate(
        load_workload("r20", (8, 8)),
        load_hardware("cofluent64", settings),
        bits=0.56,
        include_full_precision=full,
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
        "layers", "DRAM weights", "DRAM inputs", "DRAM outputs", "index fetch", "Dot9",
        "accumulate", "drain", "DRAM weights bandwidth", "DRAM inputs bandwidth",
        "DRAM outputs bandwidth", "PE utilisation, dot units", "PE utilisation, accumulators",
    ]  # fmt: skip


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("setting", ["array.pes=64", "array.spatial=output_pixels"])
def test_no_slice_is_dropped(setting: str, full: bool) -> None:
    one = result(setting, full=full)
    trace = parsed(packed(one))
    for run, process in ((one.run, 100), (one.baseline, 200)):
        program = run.trace.program
        found = Counter(
            slice_.name
            for uuid, slices in trace.slices.items()
            if trace.parents[uuid] == process and trace.tracks[uuid] != "layers"
            for slice_ in slices
            if slice_.depth == 1
        )
        expected = np.bincount(program.kind, minlength=len(Kind))
        assert found == {program.kinds[k]: expected[k] for k in Kind if expected[k]}


def test_commands_are_nested_in_their_layer(trace: Parsed, small: Result) -> None:
    run = small.run
    program = run.trace.program
    slices = trace.slices[trace.named(100, "accumulate")]
    layers = [one for one in slices if one.depth == 0]
    commands = [one for one in slices if one.depth == 1]
    chosen = program.unit == Unit.ACCUMULATE
    assert [one.start for one in commands] == run.trace.start[chosen].tolist()  # 1 GHz: 1 ns
    assert [one.end for one in commands] == run.trace.end[chosen].tolist()
    assert [one.arguments.get("step", 0) for one in commands] == program.step[chosen].tolist()
    assert [one.arguments["pes"] for one in commands] == program.pes[chosen].tolist()
    busy = [layer.name for layer in run.layers if layer.mapped.plan.mode == "table"]
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
    program = small.run.trace.program
    expected = sum(
        len(np.unique(program.step[program.layer == number])) for number in range(len(layers))
    )
    assert len(steps) == expected
    assert {one.name for one in steps} == {"step"}
    for before, after in pairwise(steps):
        assert after.start >= before.end


def test_durations_follow_the_clock() -> None:
    slow = parsed(packed(result("clock_ghz=0.4")))
    for one in slow.slices[slow.named(100, "Dot9")]:
        assert one.end - one.start == pytest.approx(one.arguments["cycles"] * 2.5, abs=1)


def test_counters_hold_the_bytes_and_the_work(trace: Parsed, small: Result) -> None:
    for process, run in ((100, small.run), (200, small.baseline)):
        program = run.trace.program
        for unit, name in (
            (Unit.DRAM_WEIGHTS, "DRAM weights bandwidth"),
            (Unit.DRAM_INPUTS, "DRAM inputs bandwidth"),
            (Unit.DRAM_OUTPUTS, "DRAM outputs bandwidth"),
        ):
            points = trace.counters[trace.named(process, name)]
            moved = sum(
                value * (after - at) for (at, value), (after, _) in pairwise(points)
            )  # GB/s x ns = bytes
            assert moved == pytest.approx(program.bytes[program.unit == unit].sum())
            assert max(value for _, value in points) <= 16 + 1e-9  # 16 bytes a cycle at 1 GHz
            assert points[-1] == (run.cycles, 0.0)
        dots = trace.counters[trace.named(process, "PE utilisation, dot units")]
        assert 50 < max(value for _, value in dots) <= 100 + 1e-9


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
    assert "no/folder.gz: cannot be written: there is no folder no" in refused.stderr


class TestWireFormat:
    def test_the_examples_of_the_specification(self) -> None:
        # protobuf.dev/programming-guides/encoding: 150 in field 1, "testing" in field 2
        assert uint(1, 150).tobytes() == bytes.fromhex("089601")
        assert text(2, "testing").tobytes() == bytes.fromhex("120774657374696e67")
        assert message(3, uint(1, 150)).tobytes() == bytes.fromhex("1a03089601")

    def test_columns_are_padded_to_one_width(self) -> None:
        values = np.array([0, 1, 127, 128, 2**62])
        rows = uint(4, values)
        assert rows.shape == (5, 1 + 9)  # 63 bits in groups of 7
        assert [dict(fields(row.tobytes()))[4] for row in rows] == values.tolist()

    def test_rows_are_joined(self) -> None:
        rows = joined(uint(1, 7), double(44, np.array([0.5, 2.0])))
        assert [first(row.tobytes(), 1) for row in rows] == [7, 7]
        assert [struct.unpack("<d", first(row.tobytes(), 44))[0] for row in rows] == [0.5, 2.0]
