"""Commands of a visit: one block of output channels at one pixel step, all groups and passes.

A visit's sums stay in the line buffer from its first step to its drain. The waits of every command
stand here, each with its reason; docs/machine.md describes them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from simulator.loops import Body, repeated
from simulator.mapping.builder import Builder, Kind, Posts, Signal, Waits, after
from simulator.mapping.inputs import InputReads
from simulator.mapping.plan import LayerPlan
from simulator.mapping.weights import WeightLoads

(
    LOAD_WEIGHTS, READ_INPUTS, FETCH_INDICES, FILL, DIRECT, MAC, ACCUMULATE, DRAIN, WRITE_OUTPUTS,
) = map(int, Kind)  # fmt: skip
(
    LOADED, INPUT_READ, FETCHED, FILLED, BANK_READ, STEP, TRANSFER, ROW, DRAINED, WRITTEN,
    REGISTERS, ROOM, LAYER,
) = map(int, Signal)  # fmt: skip
"""`Kind` and `Signal` as plain numbers: an enumeration's members are slow to look up."""


class Read(NamedTuple):
    """A read of inputs; 0 bytes: everything is there."""

    bytes: int
    age: int


class Visit(NamedTuple):
    """What sets a visit apart from others of its layer."""

    block: int
    pixels: int
    """Output pixels that it works on."""
    reads: tuple[Read, ...] = ()
    """For the first step, or one for every step."""
    place: int = -1
    """Place of its first load among the layer's; -1: its chunks are in the index buffer."""
    fetches: bool = False
    """Its chunks are not in the PEs' registers yet."""
    frees: bool = False
    """Nothing after it reads its chunks from the index buffer."""
    releases: bool = False
    """The last visit that uses the registers that were fetched last."""
    first: bool = False
    """The layer's first."""
    hold: int = 0
    """Age of the written slot without which the drain of the visit before may be held up."""
    opens: bool = False
    """The first of its transfer."""
    closes: bool = False
    """The last of its transfer."""
    ends_row: bool = False
    """The last of its row of output."""
    write: int = 0
    """Bytes that go out with it, in whole bursts."""
    ends_layer: bool = False


class _Step(NamedTuple):
    """What sets one of a visit's steps apart from others of its layer."""

    block: int
    group: int
    """The first group like its own; the group that sums begin with is like no other."""
    pixels: int
    read: Read | None
    loads: bool
    """Its chunk comes in right before it."""
    fetches: bool
    frees: bool
    first: bool
    """The layer's first."""
    hold: int
    """The visit's, in its first step."""
    slot: bool
    """Its sums are the first for an output slot, and go there without a drain."""
    posts: Posts
    """What its last command posts."""


class VisitCommands:
    """Makes the commands of a layer's visits."""

    def __init__(
        self, plan: LayerPlan, builder: Builder, inputs: InputReads, weights: WeightLoads
    ) -> None:
        """Take what the steps ask for out of the plan, as plain numbers."""
        table = plan.mode == "table"
        self.plan, self._op = plan, builder.op
        self.mode, self.groups = plan.mode, len(plan.group_units)
        self.like = [_first_like(alike) for alike in plan.alike_groups]
        self.room = int(inputs.room)
        self.inputs_first = inputs.reuse == "step"
        """All that a step needs comes after its inputs, they after all of the step before."""
        self.load_bytes: list[int] = plan.in_bursts(weights.bytes).tolist()
        self.chunk_bytes: list[list[int]] = plan.chunk_table.tolist()
        self.drains = [plan.drain_cycles(block) for block in plan.blocks]
        spatial = plan.hardware.array.spatial
        self.pes = [1 if spatial == "output_pixels" else units for units in plan.group_units]
        """[groups] PEs that have an input unit of a pixel to work on, per pixel."""
        self.fills = plan.pass_fill_cycles() if table else ()
        self.accumulates: list[list[list[int]]] = plan.accumulate_table.tolist() if table else []
        self.bank_read = after(BANK_READ, plan.hardware.array.pe.lut_banks)
        self._work = {
            "table": self._table_step,
            "direct": self._direct_step,
            "mac": self._mac_step,
        }[plan.mode]
        self._bodies: dict[_Step, Body] = {}

    def body(self, visit: Visit) -> Body:
        """All commands of a visit in program order."""
        steps: list[Body] = []
        alone = visit.place >= 0 or len(visit.reads) > 1
        last = self.groups - 1
        like = self.like[visit.block]
        for group in range(self.groups):
            if like[group] < group < last and not alone:
                steps.append(steps[-1])
                continue
            step = self._step_of(visit, group)
            commands = self._step(step)
            if visit.place >= 0 and self.inputs_first and step.read:
                load = self._load(visit.place + group, after(INPUT_READ))
                commands = (commands[0], load, *commands[1:])  # behind the read
            elif visit.place >= 0:
                commands = (self._load(visit.place + group), *commands)
            steps.append(commands)
        behind: Body = (self._drain(visit),) if self.mode != "mac" else ()
        if visit.write:
            behind += (self._write(visit),)
        return repeated(steps) + behind

    def _step_of(self, visit: Visit, group: int) -> _Step:
        block, pixels, reads, place, fetches, frees, releases, first, hold, opens, *_ = visit
        read = reads[group] if group < len(reads) and reads[group].bytes else None
        slot = False
        if self.mode == "mac":
            frees = frees and (self.groups > 1 or releases)
            slot = opens and group == self.groups - 1
        if group:
            first, hold = False, 0
        posts = self._step_posts(visit, group)
        like = self.like[block][group]
        return _Step(
            block, like, pixels, read, place >= 0, fetches, frees, first, hold, slot, posts
        )

    def _step(self, step: _Step) -> Body:
        if step not in self._bodies:
            self._bodies[step] = (*self._transfers(step), *self._work(step))
        return self._bodies[step]

    # --- what a step waits for and what it releases ----------------------------------------------

    def _input_waits(self, step: _Step) -> Waits:
        """The first command that reads activations: its input, and the layer before."""
        return (after(INPUT_READ) if step.read else ()) + (after(LAYER) if step.first else ())

    def _sum_waits(self, step: _Step) -> Waits:
        """The first command that overwrites sums while those of the visit before drain.

        It must not begin before that drain has, which the drain before or an output slot may hold
        up. In several passes outputs are not added in the order in which they drain, so there it
        must not begin before the drain has ended.
        """
        if step.group:
            return ()
        drains = after(DRAINED, 1 if len(self.fills) > 1 else 2)
        return (() if self.mode == "mac" else drains) + (
            after(WRITTEN, step.hold) if step.hold else ()
        )

    def _step_posts(self, visit: Visit, group: int) -> Posts:
        """What a step's last command posts."""
        posts: Posts = (STEP,)
        if self.mode != "mac" and (self.groups > 1 or visit.releases):
            posts = (STEP, REGISTERS)
        if group < self.groups - 1:
            return posts
        ends = visit.closes if self.room == TRANSFER else visit.ends_row and self.room == ROW
        return (*posts, self.room) if ends else posts

    # --- commands --------------------------------------------------------------------------------

    def _load(self, place: int, waits: Waits = ()) -> int:
        """A chunk that comes in for a step."""
        size = self.load_bytes[place]
        return self._op(LOAD_WEIGHTS, bytes=size, waits=waits, posts=(LOADED,), room=place)

    def _transfers(self, step: _Step) -> Iterator[int]:
        """What must come in for a step behind its chunk: its inputs, its indices."""
        drained = after(DRAINED) if self.inputs_first and self.mode != "mac" else ()
        if step.read:
            room = after(self.room, step.read.age) if step.read.age else ()
            yield self._op(
                READ_INPUTS,
                bytes=step.read.bytes,
                waits=room + drained + after(LAYER),
                posts=(INPUT_READ,),
            )
        alone = after(INPUT_READ) if self.inputs_first and step.read else ()
        if step.fetches and self.mode != "mac":
            yield self._op(
                FETCH_INDICES,
                bytes=self.chunk_bytes[step.block][step.group],
                waits=after(REGISTERS, 2) + (after(LOADED) if step.loads else ()) + alone,
                posts=(FETCHED, ROOM) if step.frees else (FETCHED,),
            )

    def _table_step(self, step: _Step) -> Iterator[int]:
        """For every pass a fill of one bank, and an accumulate that reads it."""
        pes = step.pixels * self.pes[step.group]
        fills = (max(self.fills[0], self.plan.window_lines(pes)), *self.fills[1:])
        last = len(fills) - 1
        for number, cycles in enumerate(self.accumulates[step.block][step.group]):
            yield self._op(
                FILL,
                pes=pes,
                cycles=fills[number],
                waits=self.bank_read + (() if number else self._input_waits(step)),
                posts=(FILLED,),
            )
            fetched = after(FETCHED) if step.fetches and not number else ()
            sums = () if number else self._sum_waits(step)
            yield self._op(
                ACCUMULATE,
                pes=pes,
                cycles=cycles,
                waits=after(FILLED) + fetched + sums,
                posts=(BANK_READ, *step.posts) if number == last else (BANK_READ,),
            )

    def _direct_step(self, step: _Step) -> Iterator[int]:
        """Dot products that go straight to the accumulators."""
        pes, block = step.pixels * self.pes[step.group], self.plan.blocks[step.block]
        yield self._op(
            DIRECT,
            pes=pes,
            cycles=max(self.plan.direct_cycles(block), self.plan.window_lines(pes)),
            waits=(after(FETCHED) if step.fetches else ())
            + self._input_waits(step)
            + self._sum_waits(step),
            posts=step.posts,
        )

    def _mac_step(self, step: _Step) -> Iterator[int]:
        """A full-precision step, which takes weights and activations as they come."""
        plan = self.plan
        block, units = plan.blocks[step.block], plan.group_units[step.group]
        yield self._op(
            MAC,
            pes=plan.hardware.array.pes,
            cycles=plan.mac_cycles(block, units, step.pixels),
            waits=(after(LOADED) if step.loads else ())
            + self._input_waits(step)
            + self._sum_waits(step)
            + (after(WRITTEN, 2) if step.slot else ()),
            posts=(*step.posts, ROOM) if step.frees else step.posts,
        )

    def _drain(self, visit: Visit) -> int:
        return self._op(
            DRAIN,
            cycles=self.drains[visit.block],
            waits=after(STEP) + (after(WRITTEN, 2) if visit.opens else ()),
            posts=(DRAINED,),
        )

    def _write(self, visit: Visit) -> int:
        return self._op(
            WRITE_OUTPUTS,
            bytes=visit.write,
            waits=after(STEP if self.mode == "mac" else DRAINED),
            posts=(WRITTEN, LAYER) if visit.ends_layer else (WRITTEN,),
        )


def _first_like(alike: Sequence[bool]) -> list[int]:
    """[groups] of a block: the first group of those alike, from the second group on."""
    first: list[int] = []
    for group, same in enumerate(alike):
        first.append(first[-1] if same and group > 1 else group)
    return first
