"""Commands of a visit: one block of output channels at one pixel step, all groups and passes.

A visit's sums stay in the line buffer from its first step to its drain. The waits of every command
stand here, each with its reason; docs/machine.md describes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.loops import Body, Op, repeated
from simulator.mapping.builder import Builder, Kind, Signal, posts, wait
from simulator.mapping.inputs import InputReads
from simulator.mapping.plan import LayerPlan
from simulator.mapping.weights import WeightLoads


class Read(NamedTuple):
    """A read of inputs; 0 bytes: everything is there."""

    bytes: int
    age: int

    @classmethod
    def table(cls, inputs: InputReads) -> list[tuple["Read", ...]]:
        """Per transfer its read, or per pixel step a read for every group."""
        sizes, ages = np.atleast_2d(inputs.bytes.T).T, np.atleast_2d(inputs.age.T).T
        return [tuple(map(cls, *row)) for row in zip(sizes.tolist(), ages.tolist(), strict=True)]


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


@dataclass(frozen=True, slots=True)
class VisitCommands:
    """Makes the commands of a layer's visits."""

    plan: LayerPlan
    builder: Builder
    inputs: InputReads
    weights: WeightLoads

    def body(self, visit: Visit) -> Body:
        """All commands of a visit in program order."""
        steps: list[Body] = []
        alone = visit.place >= 0 or len(visit.reads) > 1
        last = len(self.plan.group_units) - 1
        for group, alike in enumerate(self.plan.alike_groups[visit.block]):
            again = alike and 1 < group < last and not alone
            steps.append(steps[-1] if again else self._step(visit, group))
        behind = [self._drain(visit)] if self.plan.mode != "mac" else []
        if visit.write:
            behind.append(self._write(visit))
        return repeated(steps) + tuple(behind)

    def _step(self, visit: Visit, group: int) -> Body:
        ops = [*self._transfers(visit, group)]
        match self.plan.mode:
            case "table":
                ops += self._table_step(visit, group)
            case "direct":
                ops.append(self._direct_step(visit, group))
            case "mac":
                ops.append(self._mac_step(visit, group))
        return tuple(self.builder.op(op) for op in ops)

    # --- what a step waits for and what it releases ----------------------------------------------

    def _read(self, visit: Visit, group: int) -> Read | None:
        read = visit.reads[group] if group < len(visit.reads) else None
        return read if read and read.bytes else None

    def _input_waits(self, visit: Visit, group: int) -> tuple[tuple[Signal, int] | None, ...]:
        """The first command that reads activations: its input, and the layer before."""
        return (
            (Signal.INPUT_READ, 1) if self._read(visit, group) else None,
            (Signal.LAYER, 1) if visit.first and group == 0 else None,
        )

    def _sum_waits(self, visit: Visit, group: int) -> tuple[tuple[Signal, int] | None, ...]:
        """The first command that overwrites sums while those of the visit before drain.

        It must not begin before that drain has, which the drain before or an output slot may hold
        up. In several passes outputs are not added in the order in which they drain, so there it
        must not begin before the drain has ended.
        """
        if group:
            return ()
        several = self.plan.mode == "table" and len(self.plan.pass_entries) > 1
        drains = (Signal.DRAINED, 1 if several else 2)
        return (
            None if self.plan.mode == "mac" else drains,
            (Signal.WRITTEN, visit.hold) if visit.hold else None,
        )

    def _step_posts(self, visit: Visit, group: int) -> tuple[tuple[Signal, bool], ...]:
        """What a step's last command posts."""
        groups = len(self.plan.group_units)
        last = group == groups - 1
        return (
            (Signal.STEP, True),
            (Signal.REGISTERS, self.plan.mode != "mac" and (groups > 1 or visit.releases)),
            (Signal.TRANSFER, last and visit.closes and self.inputs.room == Signal.TRANSFER),
            (Signal.ROW, last and visit.ends_row and self.inputs.room == Signal.ROW),
        )

    # --- commands --------------------------------------------------------------------------------

    def _transfers(self, visit: Visit, group: int) -> Iterator[Op]:
        """What must come in for a step: a chunk, its inputs, its indices."""
        loads = visit.place >= 0
        if loads:
            place = visit.place + group
            yield Op(
                kind=Kind.LOAD_WEIGHTS,
                bytes=self._bursts(int(self.weights.bytes[place])),
                posts=(Signal.LOADED,),
                room=place,
            )
        read = self._read(visit, group)
        if read:
            room = (self.inputs.room, read.age) if read.age else None
            yield Op(
                kind=Kind.READ_INPUTS,
                bytes=read.bytes,
                waits=wait(room, (Signal.LAYER, 1)),
                posts=(Signal.INPUT_READ,),
            )
        if visit.fetches and self.plan.mode != "mac":
            yield Op(
                kind=Kind.FETCH_INDICES,
                bytes=int(self.plan.chunk_table[visit.block, group]),
                waits=wait((Signal.REGISTERS, 2), (Signal.LOADED, 1) if loads else None),
                posts=posts(((Signal.FETCHED, True), (Signal.ROOM, visit.frees))),
            )

    def _table_step(self, visit: Visit, group: int) -> Iterator[Op]:
        """For every pass a fill of one bank, and an accumulate that reads it."""
        plan = self.plan
        fills = plan.pass_fill_cycles()
        for number, fill in enumerate(fills):
            bank = (Signal.BANK_READ, plan.hardware.array.pe.lut_banks)
            first = () if number else self._input_waits(visit, group)
            yield Op(
                kind=Kind.FILL,
                pes=self._pes(visit, group),
                cycles=fill,
                waits=wait(bank, *first),
                posts=(Signal.FILLED,),
            )
            fetched = (Signal.FETCHED, 1) if visit.fetches and not number else None
            sums = () if number else self._sum_waits(visit, group)
            done = self._step_posts(visit, group) if number == len(fills) - 1 else ()
            yield Op(
                kind=Kind.ACCUMULATE,
                pes=self._pes(visit, group),
                cycles=int(plan.accumulate_table[visit.block, group, number]),
                waits=wait((Signal.FILLED, 1), fetched, *sums),
                posts=posts(((Signal.BANK_READ, True), *done)),
            )

    def _direct_step(self, visit: Visit, group: int) -> Op:
        """Dot products that go straight to the accumulators."""
        return Op(
            kind=Kind.DIRECT,
            pes=self._pes(visit, group),
            cycles=self.plan.direct_cycles(self.plan.blocks[visit.block]),
            waits=wait(
                (Signal.FETCHED, 1) if visit.fetches else None,
                *self._input_waits(visit, group),
                *self._sum_waits(visit, group),
            ),
            posts=posts(self._step_posts(visit, group)),
        )

    def _mac_step(self, visit: Visit, group: int) -> Op:
        """A full-precision step, which takes weights and activations as they come."""
        plan = self.plan
        last = group == len(plan.group_units) - 1
        slot = (Signal.WRITTEN, 2) if visit.opens and last else None
        frees = visit.frees and (len(plan.group_units) > 1 or visit.releases)
        return Op(
            kind=Kind.MAC,
            pes=plan.hardware.array.pes,
            cycles=plan.mac_cycles(plan.blocks[visit.block], plan.group_units[group], visit.pixels),
            waits=wait(
                (Signal.LOADED, 1) if visit.place >= 0 else None,
                *self._input_waits(visit, group),
                *self._sum_waits(visit, group),
                slot,
            ),
            posts=posts((*self._step_posts(visit, group), (Signal.ROOM, frees))),
        )

    def _drain(self, visit: Visit) -> int:
        slot = (Signal.WRITTEN, 2) if visit.opens else None
        return self.builder.op(
            Op(
                kind=Kind.DRAIN,
                cycles=self.plan.drain_cycles(self.plan.blocks[visit.block]),
                waits=wait((Signal.STEP, 1), slot),
                posts=(Signal.DRAINED,),
            )
        )

    def _write(self, visit: Visit) -> int:
        done = Signal.STEP if self.plan.mode == "mac" else Signal.DRAINED
        return self.builder.op(
            Op(
                kind=Kind.WRITE_OUTPUTS,
                bytes=visit.write,
                waits=wait((done, 1)),
                posts=posts(((Signal.WRITTEN, True), (Signal.LAYER, visit.ends_layer))),
            )
        )

    def _pes(self, visit: Visit, group: int) -> int:
        """PEs that have an input unit of a pixel to work on."""
        if self.plan.hardware.array.spatial == "output_pixels":
            return visit.pixels
        return visit.pixels * self.plan.group_units[group]

    def _bursts(self, size: int) -> int:
        burst = self.plan.hardware.memory.dram.burst_bytes
        return -(-size // burst) * burst
