"""Write a program with loops out: every turn of every loop, every wait as a command's number."""

from dataclasses import dataclass, field

import numpy as np

from simulator.columns import Ints
from simulator.loops import (
    BYTES,
    PES,
    ROOM,
    WAITS,
    LayerLoops,
    LoopProgram,
    Machine,
    age_of,
    signal_of,
)
from simulator.ordered import Program


@dataclass(slots=True)
class _Posts:
    """Commands that have posted each signal, in order, with what earlier layers left."""

    machine: Machine
    commands: dict[int, Ints] = field(default_factory=dict)
    room_kinds: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """What the commands that posted the room's signal do."""

    def start_layer(self) -> None:
        self.commands = {s: c for s, c in self.commands.items() if s in self.machine.lasting}


def flatten(program: LoopProgram) -> Program:
    """Return the program with every command and every wait written out."""
    body = program.body
    posts = _Posts(body.machine)
    first = 0
    columns: dict[str, list[Ints]] = {name: [] for name in _COLUMNS}
    waits: list[tuple[Ints, Ints, Ints]] = []
    for number, (layer, ages) in enumerate(zip(body.layers, body.room_ages, strict=True)):
        sequence = layer.sequence()
        given = {
            "kind": layer.kind,
            "pes": layer.ops[:, PES],
            "bytes": layer.ops[:, BYTES],
            "cycles": layer.cycles(program.rate_columns),
            "latency": layer.latency(program.rate_columns),
        }
        for name, values in given.items():
            columns[name].append(values[sequence])
        columns["layer"].append(np.full(len(sequence), number, dtype=np.int64))
        columns["step"].append(_steps(layer, sequence))
        posts.start_layer()
        waits.append(_waits(layer, sequence, ages, first, posts))
        first += len(sequence)
    column = {name: np.concatenate(parts) for name, parts in columns.items()}
    commands, on, signals = map(np.concatenate, zip(*waits, strict=True))
    order = np.argsort(commands, kind="stable")
    counts = np.bincount(commands, minlength=first)
    return Program(
        units=body.machine.units,
        kinds=body.machine.kinds,
        layers=program.names,
        unit=np.array(body.machine.unit_of, dtype=np.int64)[column["kind"]],
        kind=column["kind"],
        layer=column["layer"],
        step=column["step"],
        cycles=column["cycles"],
        latency=column["latency"],
        bytes=column["bytes"],
        pes=column["pes"],
        wait_offsets=np.concatenate(([0], np.cumsum(counts))),
        waits=on[order],
        signals=signals[order],
    )


_COLUMNS = ("kind", "layer", "step", "cycles", "latency", "bytes", "pes")


def _steps(layer: LayerLoops, sequence: Ints) -> Ints:
    """[commands] the step that each command belongs to, or first serves."""
    machine = layer.machine
    ends = layer.posting(machine.step)[sequence]
    trailing = np.isin(layer.kind, list(machine.trailing))[sequence]
    steps: Ints = np.cumsum(ends) - ends - trailing
    return steps


def _waits(
    layer: LayerLoops, sequence: Ints, ages: Ints, first: int, posts: _Posts
) -> tuple[Ints, Ints, Ints]:
    """Waiting commands, what they wait on, by which signal; adds the layer's posts to `posts`."""
    machine = layer.machine
    given = layer.ops[sequence, WAITS:]
    command, which = np.nonzero(given)
    waits = given[command, which]
    room = layer.ops[sequence, ROOM]
    roomy = np.flatnonzero(room >= 0)
    signal = np.concatenate((signal_of(waits), np.full(len(roomy), machine.room)))
    age = np.concatenate((age_of(waits), ages[room[roomy]]))
    command = np.concatenate((command, roomy))
    waiting, awaited, signals = [], [], []
    for number in range(machine.signals):
        posted = layer.posting(number)[sequence]
        mine = np.flatnonzero((signal == number) & (age > 0))
        before = posts.commands.get(number, np.empty(0, dtype=np.int64))
        after = np.concatenate((before, first + np.flatnonzero(posted)))
        target = len(before) + (np.cumsum(posted) - posted)[command[mine]] - age[mine]
        mine, target = mine[target >= 0], target[target >= 0]
        pairs = [(mine, target)]
        if number == machine.room:
            posts.room_kinds = np.concatenate((posts.room_kinds, layer.kind[sequence][posted > 0]))
            pairs = _older(posts.room_kinds, mine, target)
        for who, post in pairs:
            waiting.append(first + command[who])
            awaited.append(after[post])
            signals.append(np.full(len(who), number, dtype=np.int64))
        posts.commands[number] = after
    return np.concatenate(waiting), np.concatenate(awaited), np.concatenate(signals)


def _older(kinds: Ints, mine: Ints, target: Ints) -> list[tuple[Ints, Ints]]:
    """The last post of every kind up to each target: room is there when all of them have left.

    Args:
        kinds: [posts] what each post's command does.
        mine: [waits] who waits.
        target: [waits] the newest post that each waits for.

    """
    pairs = []
    for kind in np.unique(kinds):
        of_kind = np.flatnonzero(kinds == kind)
        last = np.searchsorted(of_kind, target, side="right") - 1
        pairs.append((mine[last >= 0], of_kind[last[last >= 0]]))
    return pairs
