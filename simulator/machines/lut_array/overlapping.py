"""The layers of a run that overlap: each waits for the rows that it reads.

In scope `network`, the edges between layers tell which rows a layer reads. In the other scopes, the
program lacks the layers between. A layer then reads the output of the previous layer if it has the
shape of its input, as in `regions.py`. Otherwise its first read waits for the previous layer.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from simulator.base.columns import Ints
from simulator.base.errors import InputError
from simulator.base.wording import layers_phrase
from simulator.machines.lut_array.buffering import plan_buffering
from simulator.machines.lut_array.on_chip import Plan
from simulator.machines.lut_array.overlap import flow_of, rows_written
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.regions import reads_output
from simulator.machines.lut_array.schema import LutArray
from simulator.machines.overlap import Flow, Waits, WriteOrder
from simulator.machines.vector.fusion import Fusion
from simulator.machines.vector.overlap import flow_of as vector_flow
from simulator.machines.vector.overlap import rows_written as vector_rows
from simulator.machines.vector.overlap import waits_by_edges
from simulator.workload.vector_layer import AnyLayer


def overlapping(
    plans: Sequence[Plan], hardware: LutArray, fusion: Fusion | None
) -> tuple[list[Plan], tuple[str, ...]]:
    """Return the plans of layers that overlap, with a note on layers that wait.

    Args:
        plans: the plans of all layers.
        hardware: the hardware configuration.
        fusion: the network's edges; None if layers between those that run are missing.

    Raises:
        InputError: the run is to keep maps on chip.

    """
    size = int(hardware.memory.activation_buffer.kib * 1024)
    if fusion is None:
        weighted = [one for one in plans if isinstance(one, LayerPlan)]
        waits = iter(_waits_in_chain(weighted, size))
        return [replace(one, waits=next(waits)) for one in weighted], _remarks(weighted)
    if hardware.memory.activations == "on_chip":
        raise InputError(
            "overlap is layers: a map on chip has no writes for which a layer could wait; set "
            "memory.activations to dram, or overlap to none"
        )
    running = [one for one in plans if one.layer.name not in fusion.fused]
    waits = _waits_by_edges(running, fusion, size)
    return [
        one if one.layer.name in fusion.fused else replace(one, waits=next(waits)) for one in plans
    ], ()


def _waits_in_chain(plans: Sequence[LayerPlan], size: int) -> list[Waits]:
    """Return the tokens of layers of which each reads the output of the previous layer."""
    order, written = WriteOrder(size), np.zeros((plans[0].batch, 1, 1), dtype=np.int64)
    for number, plan in enumerate(plans):
        if number and not reads_output(plan, plans[number - 1]):
            written = np.full((plan.batch, 1, 1), order.writes)
        own = rows_written(plan) + order.writes
        order.add(flow_of(plan, plan_buffering(plan), written))
        written = own
    return order.waits()


def _waits_by_edges(plans: Sequence[Plan], fusion: Fusion, size: int) -> Iterator[Waits]:
    """Return the tokens of the layers of a network."""
    by_name = {one.layer.name: one for one in plans}

    def rows(layer: AnyLayer) -> Ints:
        plan = by_name[layer.name]
        return rows_written(plan) if isinstance(plan, LayerPlan) else vector_rows(plan)

    def flow(layer: AnyLayer, maps: list[Ints], shortcuts: list[Ints]) -> Flow:
        plan = by_name[layer.name]
        if isinstance(plan, LayerPlan):
            return flow_of(plan, plan_buffering(plan), maps[0], shortcuts)
        return vector_flow(plan, maps)

    return waits_by_edges(fusion, [one.layer for one in plans], size, flow, rows)


def _remarks(plans: Sequence[LayerPlan]) -> tuple[str, ...]:
    """Note the assumption about the layers' inputs."""
    waiting = [
        plan.layer.name
        for before, plan in itertools.pairwise(plans)
        if not reads_output(plan, before)
    ]
    chain = (
        "overlap layers: each layer reads the output of the previous layer in the run, because "
        "only scope network has the edges between all layers"
    )
    if not waiting:
        return (f"{chain}.",)
    layers = layers_phrase(waiting, [plan.layer.name for plan in plans])
    waits = layers.inflect(
        "{layers} waits for the whole previous layer because its input has another shape or width",
        "{layers} wait for the whole previous layer because their inputs have another shape or "
        "width",
    )
    return (f"{chain}; {waits}.",)
