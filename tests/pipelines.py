"""Small pipelines: stages with FIFOs between them, all layers at once in one section."""

from collections.abc import Sequence
from fractions import Fraction

import hypothesis.strategies as st

from simulator.program import (
    Category,
    Channel,
    Command,
    CountsAs,
    Kind,
    Loop,
    Program,
    Rate,
    Section,
    Unit,
)

PES = 4
"""PEs of every stage."""


class _Stage:
    """A unit with its kind, and the FIFO of its results."""

    def __init__(self, name: str, layer: str, rate: str | None = None, dram: str = "") -> None:
        role = "transfer" if rate else "matrix product"
        title = f"{layer} {role}"
        self.unit = Unit(name, title, "D" if rate else "M", dram, layer, role)  # type: ignore[arg-type]
        counts = CountsAs(Category(f"{name}_cycles", role, f"{role}s", layer))
        side = "" if rate else "stage"
        self.kind = Kind(f"run_{name}", self.unit, rate, counts, side)
        fifo = f"after_{name}"
        self.items = Channel(f"items_of_{name}", f"items of {name}", fifo=fifo, side="items")
        self.space = Channel(
            f"space_of_{name}", f"space in the FIFO of {name}", fifo=fifo, side="space"
        )


def pipeline(
    cycles: Sequence[int],
    *,
    depths: Sequence[int],
    images: int = 3,
    items: int = 5,
    item_bytes: int = 8,
    latency: int = 7,
    bytes_per_cycle: Fraction = Fraction(4),
    ratios: Sequence[int] = (),
    layers: Sequence[str] = (),
) -> Program:
    """Return a pipeline: a DMA unit, a stage for each number of cycles, a DMA unit.

    Args:
        cycles: cycles per item of every stage.
        depths: items that fit the FIFO after the first DMA unit, and after every stage.
        images: images of the batch.
        items: items of an image at the input.
        item_bytes: bytes of an item.
        latency: cycles from the end of a read until its item is usable.
        bytes_per_cycle: the rate of both DMA units.
        ratios: items that a stage takes for each item that it gives; (): one each.
        layers: the layer of every stage; (): `conv0`, `conv1` and so on.

    """
    names = tuple(layers) or tuple(f"conv{number}" for number in range(len(cycles)))
    ratios = tuple(ratios) or (1,) * len(cycles)
    read = _Stage("read", names[0], "bus", "read")
    write = _Stage("write", names[-1], "out", "write")
    middle = [_Stage(f"stage{number}", names[number]) for number in range(len(cycles))]
    stages = [read, *middle, write]
    bodies = {read.unit: (_loops(images, items, _first(read, item_bytes)),)}
    for number, stage in enumerate(middle):
        before, ratio = stages[number], ratios[number]
        run = stage.kind(
            cycles=cycles[number],
            pes=PES,
            takes=[before.items(ratio), stage.space],
            gives=[stage.items],
            begins=[before.space(ratio)],
        )
        items //= ratio
        bodies[stage.unit] = (_loops(images, items, run),)
    last = write.kind(bytes=item_bytes, takes=[middle[-1].items], gives=[middle[-1].space])
    bodies[write.unit] = (_loops(images, items, last),)
    channels: dict[Channel, int] = {}
    for stage, depth in zip(stages, depths, strict=False):
        channels |= {stage.items: 0, stage.space: depth}
    return Program(
        units=tuple(stage.unit for stage in stages),
        kinds=tuple(stage.kind for stage in reversed(stages)),
        channels=channels,
        sections=(Section(bodies),),
        names=tuple(dict.fromkeys(names)),
        rates={"bus": Rate(bytes_per_cycle, latency), "out": Rate(bytes_per_cycle)},
        categories=tuple(stage.kind.counts_as.busy for stage in stages if stage.kind.counts_as),
    )


def _first(stage: _Stage, size: int) -> Command:
    return stage.kind(bytes=size, takes=[stage.space], gives=[stage.items])


def _loops(images: int, items: int, command: Command) -> Loop:
    return Loop(images, (Loop(items, (command,)),))


@st.composite
def pipelines(draw: st.DrawFn) -> Program:
    """Pipelines of 1 to 5 stages; a FIFO has room for what its taker takes at once."""
    size = draw(st.integers(1, 5))
    ratios = [draw(st.sampled_from((1, 1, 1, 2))) for _ in range(size)]
    fits = [draw(st.integers(least, 6)) for least in (*ratios, 1)]
    return pipeline(
        [draw(st.integers(0, 9)) for _ in range(size)],
        depths=fits,
        images=draw(st.integers(1, 40)),
        items=2 ** ratios.count(2) * draw(st.integers(1, 12)),
        item_bytes=draw(st.integers(0, 40)),
        latency=draw(st.integers(0, 30)),
        bytes_per_cycle=draw(st.sampled_from((Fraction(1), Fraction(7, 2), Fraction(16)))),
        ratios=ratios,
        layers=_names(size, draw(st.booleans())),
    )


def _names(size: int, shared: bool) -> Sequence[str]:
    """Return the layers of stages, all but the first in one layer if they share it."""
    return ("first", *["rest"] * (size - 1)) if shared and size > 1 else ()
