"""A trace for ui.perfetto.dev: Perfetto's own protobuf format, track events with interned names.

Each run is a process. Its track `layers` has a slice per layer, with the layer's steps nested in
it; if all layers run at once, each layer has a track. Every unit has a track with a slice per
layer, with the layer's commands nested in it. Counters show the DRAM's bandwidth and the PEs'
utilization, as means over equal windows. Message and field numbers are from protos/perfetto/trace
in Perfetto's source.
"""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.bandwidth import dram_rates, window_edges, window_means
from simulator.analysis.outcome import RUNS
from simulator.analysis.title import covered
from simulator.base.columns import Ints
from simulator.base.writing import write_file
from simulator.report.prepare import make_traces
from simulator.report.protobuf import Rows, double, message, text, uint

if TYPE_CHECKING:
    from simulator.analysis.outcome import Outcome
    from simulator.analysis.run import Run
    from simulator.base.progress import Progress

WINDOWS = 2048
"""The number of values of a counter over a run."""
_SEQUENCE = 1
_BEGIN, _END, _COUNTER = 1, 2, 4
_EXPLICIT_ORDER = 3
_TRACKS_OF_A_RUN = 100
"""The distance of the numbers of two runs' tracks, unless a run has more tracks."""


class Packet(IntEnum):
    """Fields of TracePacket."""

    TIMESTAMP = 8
    SEQUENCE_ID = 10
    TRACK_EVENT = 11
    INTERNED_DATA = 12
    SEQUENCE_FLAGS = 13
    TRACK_DESCRIPTOR = 60


class Event(IntEnum):
    """Fields of TrackEvent."""

    ANNOTATIONS = 4
    TYPE = 9
    NAME_IID = 10
    TRACK = 11
    DOUBLE_COUNTER = 44


class Track(IntEnum):
    """Fields of TrackDescriptor."""

    UUID = 1
    NAME = 2
    PROCESS = 3
    PARENT = 5
    COUNTER = 8
    CHILD_ORDERING = 11
    RANK = 12


def write_perfetto(result: "Outcome", path: Path, progress: "Progress | None" = None) -> Path:
    """Write all runs; gzipped if the name ends in `.gz`.

    Times are nanoseconds at the hardware's clock. The slices' arguments have the cycles.

    Args:
        result: from `simulate`.
        path: the path of the file.
        progress: called during the write.

    Raises:
        InputError: the file is not writable.

    """
    make_traces(result, progress)

    def write(temporary: Path) -> None:
        with _opened(temporary, zipped=path.suffix == ".gz") as file:
            for packets in perfetto_packets(result, progress):
                file.write(packets)

    return write_file(path, write)


@contextmanager
def _opened(path: Path, *, zipped: bool) -> Iterator[IO[bytes]]:
    """Open a file for writing; gzip omits name and time: equal traces make equal files."""
    with path.open("wb") as plain:
        if not zipped:
            yield plain
            return
        with gzip.GzipFile("", "wb", compresslevel=4, fileobj=plain, mtime=0) as packed:
            yield packed  # type: ignore[misc] # a GzipFile writes bytes like a file


def perfetto_packets(result: "Outcome", progress: "Progress | None" = None) -> Iterator[bytes]:
    """Yield the file's contents, piece by piece."""
    names = _Names(result)
    yield names.packet()
    for number, run in enumerate(result.runs):
        yield from _RunPackets(result, run, number, names).all(progress)


class _Names:
    """The numbers of the names that events and arguments refer to."""

    def __init__(self, result: "Outcome") -> None:
        trace = result.run.trace
        events = dict.fromkeys((*trace.kinds, "step", *trace.layers))
        self.events = {name: 1 + number for number, name in enumerate(events)}
        arguments = ("step", "cycles", "bytes", "pes", "latency_cycles")
        self.arguments = {name: 1 + number for number, name in enumerate(arguments)}

    def packet(self) -> bytes:
        """Return the first packet of the sequence, which defines all names."""
        interned = [
            message(field, uint(1, iid), text(2, name))
            for field, table in ((2, self.events), (3, self.arguments))
            for name, iid in table.items()
        ]
        cleared = 1
        return _packets(
            uint(Packet.SEQUENCE_FLAGS, cleared), message(Packet.INTERNED_DATA, *interned)
        )


def _most_tracks(run: "Run") -> int:
    """Return a number that the tracks of a run do not exceed."""
    words = run.vocabulary
    return 1 + len(run.layers) + 2 * len(words.units) + len(words.kinds)


def _packets(*fields: Rows) -> bytes:
    """Return one TracePacket per row."""
    return message(1, uint(Packet.SEQUENCE_ID, _SEQUENCE), *fields).tobytes()


class _RunPackets:
    """All packets of one run."""

    def __init__(self, result: "Outcome", run: "Run", number: int, names: _Names) -> None:
        self.run, self.names = run, names
        self.trace = run.trace
        self.clock_ghz = result.hardware.clock_ghz
        self.pes = run.pes
        self.process = 1 + number
        self.own = self.process * max(_TRACKS_OF_A_RUN, *map(_most_tracks, result.runs))
        self.title = f"{RUNS[number]}: {run.title}, {run.workload.title}"
        self.scope = covered(result)
        self.tracks = 0
        self.edges = window_edges(run.cycles, WINDOWS)

    def all(self, progress: "Progress | None") -> Iterator[bytes]:
        """Yield the tracks in the order of display, each followed by its events."""
        names = text(6, self.title), text(8, self.scope)  # process_name, process_labels
        process = message(Track.PROCESS, uint(1, self.process), *names)
        order = uint(Track.CHILD_ORDERING, _EXPLICIT_ORDER)
        yield self._descriptor(self.own, process, order)
        yield from self._layers()
        for unit in range(len(self.trace.units)):
            if progress is not None:
                progress(f"Perfetto trace, {self.run.title}", unit, len(self.trace.units))
            if (self.trace.unit == unit).any():
                yield from self._unit(unit)
        yield from self._counters()

    def _descriptor(self, uuid: int, *fields: Rows) -> bytes:
        return _packets(message(Packet.TRACK_DESCRIPTOR, uint(Track.UUID, uuid), *fields))

    def _track(self, name: str, *fields: Rows) -> tuple[int, bytes]:
        """Make a track of the run; return its number and the packet that defines it."""
        self.tracks += 1
        parent, rank = uint(Track.PARENT, self.own), uint(Track.RANK, self.tracks)
        uuid = self.own + self.tracks
        return uuid, self._descriptor(uuid, text(Track.NAME, name), parent, rank, *fields)

    def _ns(self, cycles: Ints | int) -> Rows:
        """Return timestamps; rounding keeps the order, and therefore the nesting."""
        ns = np.rint(np.atleast_1d(cycles) / self.clock_ghz).astype(np.int64)
        return uint(Packet.TIMESTAMP, ns)

    def _layers(self) -> Iterator[bytes]:
        """Yield the layers with their steps, each from its first to its last addition."""
        if not self.run.at_once:
            uuid, packet = self._track("layers")
            yield packet
        of_steps = [n for n, kind in enumerate(self.trace.vocabulary.kinds) if kind.in_steps]
        adds = np.flatnonzero(np.isin(self.trace.kind, of_steps))
        for number, layer in enumerate(self.run.layers):
            mine = adds[self.trace.layer[adds] == number]
            step = self.trace.step[mine]
            first = np.flatnonzero(np.diff(step, prepend=-1))
            last = np.flatnonzero(np.diff(step, append=-1))
            start = self.trace.start[mine[first]]
            end = self.trace.end[mine[last]]
            arguments = {"step": step[first], "cycles": end - start}
            if self.run.at_once:
                uuid, packet = self._track(layer.name)
                yield packet
            yield self._begin(uuid, layer.name, layer.start_cycle, {"cycles": layer.cycles})
            if len(mine):  # the vector unit has no steps
                yield self._slices(uuid, "step", start, end, arguments)
            yield self._end(uuid, layer.end_cycle)

    def _unit(self, unit: int) -> Iterator[bytes]:
        """Yield a unit's commands, nested in a slice per layer."""
        uuid, packet = self._track(self.trace.vocabulary.units[unit].title)
        yield packet
        trace = self.trace
        commands = np.flatnonzero(trace.unit == unit)
        bounds = np.searchsorted(trace.layer[commands], np.arange(len(trace.layers) + 1))
        for number, name in enumerate(trace.layers):
            mine = commands[bounds[number] : bounds[number + 1]]
            if not len(mine):
                continue
            begin, end = trace.start[mine[0]], trace.end[mine[-1]]
            yield self._begin(uuid, name, begin, {"cycles": end - begin})
            for kind in np.unique(trace.kind[mine]):  # one: a layer has one mode
                chosen = mine[trace.kind[mine] == kind]
                start, until = trace.start[chosen], trace.end[chosen]
                arguments = {
                    "step": trace.step[chosen],
                    "cycles": until - start,
                    "bytes": trace.bytes[chosen],
                    "pes": trace.pes[chosen],
                    "latency_cycles": trace.latency[chosen],
                }
                yield self._slices(uuid, trace.kinds[kind], start, until, arguments)
            yield self._end(uuid, end)

    def _slices(
        self, uuid: int, name: str, start: Ints, end: Ints, arguments: dict[str, Ints]
    ) -> bytes:
        """Return the begin and end events of every slice of one name, in order."""
        begins = self._begin_rows(uuid, name, start, arguments)
        return np.concatenate((begins, self._end_rows(uuid, end)), axis=1).tobytes()

    def _begin(self, uuid: int, name: str, start: int, arguments: dict[str, int]) -> bytes:
        columns = {key: np.array([value]) for key, value in arguments.items()}
        return self._begin_rows(uuid, name, np.array([start]), columns).tobytes()

    def _end(self, uuid: int, end: int) -> bytes:
        return self._end_rows(uuid, np.array([end])).tobytes()

    def _begin_rows(self, uuid: int, name: str, start: Ints, arguments: dict[str, Ints]) -> Rows:
        noted = [
            message(Event.ANNOTATIONS, uint(1, self.names.arguments[key]), uint(3, values))
            for key, values in arguments.items()
            if values.any()
        ]
        name_iid = uint(Event.NAME_IID, self.names.events[name])
        return self._event_rows(uuid, _BEGIN, start, name_iid, *noted)

    def _end_rows(self, uuid: int, end: Ints) -> Rows:
        return self._event_rows(uuid, _END, end)

    def _event_rows(self, uuid: int, type_: int, cycles: Ints, *fields: Rows) -> Rows:
        event = message(
            Packet.TRACK_EVENT, uint(Event.TYPE, type_), uint(Event.TRACK, uuid), *fields
        )
        needs_names = 2
        return message(
            1,
            self._ns(cycles),
            uint(Packet.SEQUENCE_ID, _SEQUENCE),
            event,
            uint(Packet.SEQUENCE_FLAGS, needs_names),
        )

    def _counters(self) -> Iterator[bytes]:
        """Yield the bandwidth per DMA channel, and the utilization of each side of the PEs."""
        trace = self.trace
        for unit, per_cycle in dram_rates(self.run, self.edges).items():
            name = f"{trace.vocabulary.units[unit].title} bandwidth"
            yield from self._counter(name, "GB/s", per_cycle * self.clock_ghz)
        for name, kinds in trace.vocabulary.sides.items():
            chosen = np.isin(trace.kind, kinds)
            start, cycles = trace.start[chosen], trace.occupied[chosen]
            work = window_means(start, cycles, cycles * trace.pes[chosen], self.edges)
            yield from self._counter(f"PE utilization, {name}", "%", 100 * work / self.pes)

    def _counter(self, name: str, unit: str, values: NDArray[np.float64]) -> Iterator[bytes]:
        uuid, packet = self._track(name, message(Track.COUNTER, text(6, unit)))
        yield packet
        value = double(Event.DOUBLE_COUNTER, np.append(values, 0.0))
        yield self._event_rows(uuid, _COUNTER, self.edges, value).tobytes()
