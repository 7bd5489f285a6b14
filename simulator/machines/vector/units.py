"""The program of a vector layer with commands of its own: DMA reads, the unit, DMA writes.

All units process the chunks in the same order; a chunk is a step.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from simulator.machines.vector.overlap import with_waits
from simulator.machines.vector.plan import Chunk, VectorPlan
from simulator.machines.vector.vocabulary import (
    OPERANDS,
    VECTOR,
    VECTOR_RESULTS,
    VECTOR_SLOT,
    VECTOR_UNIT,
)
from simulator.program import Channel, Kind, Runs, Section, Unit, Writer, write


class Ports(NamedTuple):
    """The terms of a family that a vector layer shares with its other layers."""

    read: Kind
    """Reads of activations."""
    write: Kind
    """Writes of outputs."""
    space: Channel
    """Its tokens are bytes of the buffer that holds the operands and results of vector layers."""
    previous_outputs: Channel
    """Its tokens are writes of earlier layers; reads take them."""
    previous_layer: Channel | None
    """Its token is the end of the previous layer; a layer's first step takes it."""


class Task(NamedTuple):
    """A vector layer for its units."""

    images: Runs[Runs[Chunk]]
    ports: Ports
    first_step: tuple[Channel, ...]
    """Channels of earlier layers of which its first step takes a token."""
    ends: bool
    """True if its last write gives the end of the layer."""


def inputs_dma(task: Task, do: Writer) -> None:
    """Read the new rows under each chunk, map by map, as soon as the buffer has space."""
    for chunk in chunks(task, do):
        if not chunk.read_bytes:
            do.skip(1)
        for number, size in enumerate(chunk.read_bytes):
            opens = number == 0
            do(
                task.ports.read(
                    bytes=size,
                    takes=[
                        opens and task.ports.space(chunk.space_taken),
                        opens and task.ports.previous_outputs(chunk.awaited),
                    ],
                    gives=[OPERANDS],
                    steps=int(number == len(chunk.read_bytes) - 1),
                )
            )


def vector(task: Task, do: Writer) -> None:
    """Compute a chunk from its operands, into a slot for results."""
    for chunk in chunks(task, do):
        do(
            VECTOR(
                cycles=chunk.cycles,
                takes=[
                    len(chunk.read_bytes) > 0 and OPERANDS(len(chunk.read_bytes)),
                    VECTOR_SLOT,
                    *(task.first_step if chunk.first else ()),
                ],
                gives=[VECTOR_RESULTS, task.ports.space(chunk.space_freed)],
                steps=1,
            )
        )


def outputs_dma(task: Task, do: Writer) -> None:
    """Write the results of each chunk, copy by copy, and free its slot."""
    for chunk in chunks(task, do):
        for number, size in enumerate(chunk.written_bytes, start=1):
            done = number == len(chunk.written_bytes)
            do(
                task.ports.write(
                    bytes=size,
                    takes=[number == 1 and VECTOR_RESULTS],
                    gives=[
                        done and VECTOR_SLOT,
                        done and task.ports.previous_outputs(chunk.handed),
                        done and task.ends and chunk.last and task.ports.previous_layer,
                    ],
                    steps=int(done),
                )
            )


def _ends(plan: VectorPlan, ports: Ports) -> tuple[tuple[Channel, ...], bool]:
    """Channels of which the first step takes a token, and whether the last write gives one."""
    of_layer = () if ports.previous_layer is None else (ports.previous_layer,)
    if plan.waits is not None:
        return of_layer if plan.waits.follows else (), plan.waits.followed
    of_outputs = () if plan.reads else (ports.previous_outputs,)
    return of_layer + of_outputs, bool(of_layer)


def chunks(task: Task, do: Writer) -> Iterator[Chunk]:
    """Write a loop over all chunks, in the order of time."""
    for image in do.each(task.images):
        yield from do.each(image)


def section_of(plan: VectorPlan, ports: Ports, *, plain: bool = False) -> Section:
    """Write the programs of all units that a vector layer uses.

    Args:
        plan: the layer.
        ports: the family's terms.
        plain: true for programs without loops; see `Writer`.

    """
    images = plan.images if plan.waits is None else with_waits(plan.images, plan.waits)
    task = Task(images, ports, *_ends(plan, ports))
    functions: dict[Unit, Callable[[Task, Writer], None]] = {
        ports.read.unit: inputs_dma,
        VECTOR_UNIT: vector,
        ports.write.unit: outputs_dma,
    }
    return Section({unit: write(one, task, plain=plain) for unit, one in functions.items()})
