"""The tokens in which a layer with weights meets earlier and later layers.

If layers run one after another, the first read and the first step of a layer take a token each. The
last write of the previous layer gives both. If layers overlap, reads take tokens of single writes.
"""

from dataclasses import dataclass

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.buffering import Buffering
from simulator.machines.lut_array.overlap import opens_with_shortcuts, reads_maps, transfer_writes
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.vocabulary import PREVIOUS_LAYER, PREVIOUS_OUTPUTS
from simulator.machines.overlap import Waits
from simulator.program import Channel


@dataclass(frozen=True, kw_only=True, eq=False)
class Handover:
    """The tokens that a layer takes from earlier layers, and gives to later layers."""

    inputs: Ints
    """[rows, blocks, transfers] tokens of writes that each transfer's read of inputs takes."""
    shortcuts: Ints
    """[rows, blocks, transfers] the same for the first read of shortcut values."""
    first_step_read: int
    """Scheme `step`: tokens of writes that the layer's first read of inputs takes."""
    first_step: tuple[Channel, ...]
    """Channels of which the layer's first step takes a token."""
    writes: Ints
    """[rows, blocks, transfers] tokens of writes that each transfer's last write gives."""
    ends: bool
    """True if the layer's last write gives a token of `previous_layer`."""


def handover_of(plan: LayerPlan, buffering: Buffering) -> Handover:
    """Return the tokens of a layer."""
    return _barrier(plan, buffering) if plan.waits is None else _tokens(plan, buffering, plan.waits)


def _barrier(plan: LayerPlan, buffering: Buffering) -> Handover:
    """Let the layer begin after the previous layer."""
    numbers, reads = transfer_writes(plan), reads_maps(plan, buffering)
    inputs, shortcuts = np.zeros_like(numbers), np.zeros_like(numbers)
    opens, first = opens_with_shortcuts(plan, buffering), buffering.first_read
    if opens:
        shortcuts[0, 0, 0] = 1
    elif first is not None and buffering.scheme != "step":
        inputs[first] = 1
    return Handover(
        inputs=inputs,
        shortcuts=shortcuts,
        first_step_read=int(not opens),
        first_step=(PREVIOUS_LAYER,) if reads else (PREVIOUS_LAYER, PREVIOUS_OUTPUTS),
        writes=(numbers == numbers.max()).astype(np.int64),
        ends=True,
    )


def _tokens(plan: LayerPlan, buffering: Buffering, waits: Waits) -> Handover:
    """Let the layer wait for single writes."""
    numbers = transfer_writes(plan)
    awaited = np.array(waits.awaited, dtype=np.int64)
    inputs, shortcuts, first_step_read = np.zeros_like(numbers), np.zeros_like(numbers), 0
    if buffering.scheme != "step" and len(awaited):
        inputs, shortcuts = np.moveaxis(awaited.reshape(*numbers.shape, 2), 3, 0)
    elif opens_with_shortcuts(plan, buffering):
        shortcuts[0, 0, 0] = awaited[0]
    elif len(awaited):
        first_step_read = waits.awaited[0]
    return Handover(
        inputs=inputs,
        shortcuts=shortcuts,
        first_step_read=first_step_read,
        first_step=(PREVIOUS_LAYER,) if waits.follows else (),
        writes=((numbers > 0) & (numbers <= waits.handed)).astype(np.int64),
        ends=waits.followed,
    )
