"""Vector layers that overlap with other layers, and the edges of a network."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from msgspec import structs

from simulator.base.columns import Ints
from simulator.machines.overlap import Flow, Waits, WriteOrder, last_of, rows_seen
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.plan import Chunk, VectorPlan
from simulator.machines.vector.writers import writers_of
from simulator.program import Runs
from simulator.workload.vector_layer import AnyLayer, VectorLayer, sources

P = TypeVar("P")


def waits_by_edges(
    fusion: Fusion,
    running: Sequence[AnyLayer],
    size: int,
    flow: Callable[[AnyLayer, list[Ints], list[Ints]], Flow],
    rows: Callable[[AnyLayer], Ints],
) -> Iterator[Waits]:
    """Return the tokens of a network's layers, in order.

    Args:
        fusion: the network.
        running: its layers that are not fused, in order.
        size: bytes of the buffer that holds inputs.
        flow: returns the reads and writes of a layer, from the writes that complete each row of the
            maps that it reads, and of those that its epilogue adds.
        rows: returns the layer's own writes that complete each row of its output.

    """
    order, writers = WriteOrder(size), writers_of(fusion)
    image = np.zeros((fusion.workload.batch, 1, 1), dtype=np.int64)
    written = {"input": image}

    def rows_of(names: Sequence[str]) -> list[Ints]:
        return [np.maximum.reduce([written[one] for one in writers[name]]) for name in names]

    for layer in running:
        shortcuts = () if isinstance(layer, VectorLayer) else fusion.shortcuts(layer)
        written[layer.name] = rows(layer) + order.writes
        order.add(flow(layer, rows_of([*sources(layer)]), rows_of(shortcuts)))
    return iter(order.waits())


def rows_written(plan: VectorPlan) -> Ints:
    """[images, maps, rows] number of the layer's write that completes each row of its output."""
    layer = plan.layer
    passes = len(plan.channel_parts) * len(plan.columns)
    earlier = np.arange(plan.batch * layer.images) * passes + passes - 1
    written = np.add.outer(earlier * layer.out_height, np.arange(layer.out_height) + 1)
    return written.reshape(plan.batch, layer.images, layer.out_height)


def flow_of(plan: VectorPlan, maps: Sequence[Ints]) -> Flow:
    """Return the reads and writes of a vector layer; its chunks are its possible reads.

    Args:
        plan: the layer.
        maps: for each map that it reads, [images, maps, rows] the writes that complete each row.

    """
    chunks = [x for image in plan.images.written_out for x in image.written_out]
    reads = np.array([len(x.read_bytes) > 0 for x in chunks])
    return Flow(
        reads=reads,
        needs=_needs(plan, maps),
        taken=np.array([x.space_taken for x in chunks], dtype=np.int64),
        leaving=plan.result_space if plan.reads else 0,
        writes=len(chunks),
        counted=plan.reads,
        first_read_counts=True,
        first_step_reads=bool(reads[0]),
    )


def _needs(plan: VectorPlan, maps: Sequence[Ints]) -> Ints:
    """[chunks] the last write of the rows that each chunk reads."""
    layer = plan.layer
    whole = layer.kind == "regions"  # their place depends on the image
    rows = [rows_seen(x, layer.images, layer.in_height, whole=whole) for x in maps]
    new = [new for new, _ in plan.new_rows]
    by_row = np.maximum.reduce([last_of(x, new) for x in rows])
    by_map = by_row.reshape(plan.batch * layer.images, layer.out_height)
    passes = len(plan.channel_parts) * len(plan.columns)
    return np.tile(by_map, passes).ravel()


def with_waits(images: Runs[Runs[Chunk]], waits: Waits) -> Runs[Runs[Chunk]]:
    """Return the chunks of each image with the tokens of layers that overlap."""
    tokens, number, found = iter(waits.awaited), 0, list[Runs[Chunk]]()
    for image in images.written_out:
        chunks = []
        for chunk in image.written_out:
            handed = int(number < waits.handed)
            chunks.append(structs.replace(chunk, awaited=next(tokens), handed=handed))
            number += 1
        found.append(Runs.of(chunks))
    return Runs.of(found)
