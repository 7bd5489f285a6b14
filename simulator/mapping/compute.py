"""Commands of the PEs: fill, index fetch, accumulate, drain; direct and MAC steps."""

from dataclasses import dataclass

import numpy as np

from simulator.mapping.builder import NONE, Builder, Kind, per_cycle
from simulator.mapping.nest import Nest
from simulator.mapping.plan import LayerPlan
from simulator.program import Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compute:
    """Numbers of the commands to which transfers attach: S steps, V visits, F fetching steps."""

    needs_inputs: Ints
    """[S] first command of each step that reads activations."""
    needs_weights: Ints
    """[F] first command of each fetching step that reads the index buffer."""
    weights_free: Ints
    """[F] command after which that step's chunk is not read again until it is fetched again."""
    last: Ints
    """[S] last command of each step: the step is done."""
    sums: Ints
    """[V] first command of each visit that overwrites the visit's sums."""
    leaves: Ints
    """[V] first command of each visit that sends outputs away; its end is their last cycle."""


@dataclass
class IndexRegisters:
    """The PEs' two sets of index registers: which command must end before each is rewritten."""

    older: int = NONE
    newer: int = NONE


def add_compute(
    builder: Builder, plan: LayerPlan, nest: Nest, registers: IndexRegisters
) -> Compute:
    """Add all commands of a layer's steps and the waits among them."""
    if plan.mode == "mac":
        return _mac_steps(builder, plan, nest)
    if plan.mode == "table":
        dots, adds = _table_steps(builder, plan, nest)
    else:
        dots = adds = _direct_steps(builder, plan, nest)
    done = adds[:, -1]
    fetches = _fetches(builder, plan, nest, done, registers)
    builder.wait(adds[nest.fetching_steps(), 0], fetches)
    first_adds = adds[:: nest.groups, 0]
    return Compute(
        needs_inputs=dots[:, 0],
        needs_weights=fetches,
        weights_free=fetches,
        last=done,
        sums=first_adds,
        leaves=_drains(builder, plan, nest, done, first_adds),
    )


def _table_steps(builder: Builder, plan: LayerPlan, nest: Nest) -> tuple[Ints, Ints]:
    """Fills and accumulates, each [S, passes]; a bank is refilled when it has been read."""
    order = np.arange(nest.steps * nest.passes)
    step = order // nest.passes
    visit = step // nest.groups
    pes = _working_pes(plan, nest)[step]
    fills = builder.add(
        Kind.FILL,
        order,
        step=step,
        cycles=np.tile(np.array(plan.pass_fill_cycles()), nest.steps),
        pes=pes,
    )
    accumulates = builder.add(
        Kind.ACCUMULATE,
        order,
        step=step,
        cycles=plan.accumulate_table[nest.block[visit], step % nest.groups, order % nest.passes],
        pes=pes,
    )
    builder.wait(accumulates, fills)
    banks = plan.hardware.array.pe.lut_banks
    builder.wait(fills[banks:], accumulates[:-banks])
    shape = (nest.steps, nest.passes)
    return fills.reshape(shape), accumulates.reshape(shape)


def _direct_steps(builder: Builder, plan: LayerPlan, nest: Nest) -> Ints:
    """[S, 1] dot products that go straight to the accumulators."""
    steps = np.arange(nest.steps)
    cycles = np.array([plan.direct_cycles(block) for block in plan.blocks])
    return builder.add(
        Kind.DIRECT,
        steps,
        step=steps,
        cycles=cycles[nest.block[steps // nest.groups]],
        pes=_working_pes(plan, nest),
    ).reshape(-1, 1)


def _mac_steps(builder: Builder, plan: LayerPlan, nest: Nest) -> Compute:
    """Full-precision steps on the MAC unit, which takes weights and activations as they come."""
    steps = np.arange(nest.steps)
    visit, units = steps // nest.groups, np.array(plan.group_units)[steps % nest.groups]
    outputs = np.array([block.outputs for block in plan.blocks])[nest.block[visit]]
    macs = nest.pixels[visit] * outputs * units * plan.layer.kernel**2
    done = builder.add(
        Kind.MAC,
        steps,
        step=steps,
        cycles=-(-macs // plan.hardware.full_precision.macs_per_cycle),
        pes=plan.hardware.array.pes,
    )
    fetching = nest.fetching_steps()
    return Compute(
        needs_inputs=done,
        needs_weights=done[fetching],
        weights_free=done[np.append(fetching[1:], nest.steps) - 1],
        last=done,
        sums=done[:: nest.groups],
        leaves=done[nest.groups - 1 :: nest.groups],
    )


def _working_pes(plan: LayerPlan, nest: Nest) -> Ints:
    """[S] PEs that have an input unit of a pixel to work on."""
    pixels = np.repeat(nest.pixels, nest.groups)
    if plan.hardware.array.spatial == "output_pixels":
        return pixels
    pes: Ints = pixels * np.tile(np.array(plan.group_units), nest.visits)
    return pes


def _fetches(
    builder: Builder, plan: LayerPlan, nest: Nest, done: Ints, registers: IndexRegisters
) -> Ints:
    """[F] index fetches; a set of registers is rewritten when the steps that used it are done."""
    steps = nest.fetching_steps()
    sizes = plan.chunk_table[nest.block[steps // nest.groups], steps % nest.groups]
    fetches = builder.add(
        Kind.FETCH_INDICES,
        nest.first_order(steps),
        step=steps,
        cycles=per_cycle(plan.hardware.memory.index_buffer.bytes_per_cycle)(sizes),
        bytes_=sizes,
    )
    released = done[
        steps[1:] - 1
    ]  # when the set of fetch f is no longer used, for all but the last
    freed = np.concatenate(([registers.older, registers.newer], released))
    builder.wait(fetches, freed[: len(fetches)])
    registers.older, registers.newer = int(freed[len(fetches)]), int(done[-1])
    return fetches


def _drains(builder: Builder, plan: LayerPlan, nest: Nest, done: Ints, first_adds: Ints) -> Ints:
    """[V] drains, each behind its visit's last addition.

    The next visit overwrites sums while they drain, entry behind entry: it must not begin before
    the drain has, which the drain before may hold up. In several passes outputs are not added in
    the order in which they drain, so there it must not begin before the drain has ended.
    """
    last_steps = np.arange(nest.visits) * nest.groups + nest.groups - 1
    cycles = np.array([plan.drain_cycles(block) for block in plan.blocks])[nest.block]
    drains = builder.add(
        Kind.DRAIN,
        nest.first_order(last_steps) + nest.passes - 1,
        step=last_steps,
        cycles=cycles,
    )
    builder.wait(drains, done[last_steps])
    behind = 1 if nest.passes > 1 else 2
    builder.wait(first_adds[behind:], drains[:-behind])
    return drains
