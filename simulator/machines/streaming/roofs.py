"""Roofs of a pipeline: MACs per cycle of all stages at work, and at the pace of the slowest."""

from collections.abc import Sequence

from simulator.machines.family import Roof
from simulator.machines.streaming.mapped import MappedStage


def roofs(layers: Sequence[MappedStage]) -> list[Roof]:
    """Return the roofs of the stages with weights, the highest first.

    A stage of shared kernels counts the MACs of its layer, which are more than its additions.

    Args:
        layers: the layers with weights.

    """
    stages = [(one.layer, one.plan) for one in layers if one.plan is not None]
    if not stages:
        return []
    peak = sum(layer.macs / plan.main_cycles for layer, plan in stages)
    slowest, most = max(
        ((layer, plan.cycles) for layer, plan in stages), key=lambda stage: stage[1]
    )
    macs = sum(layer.macs for layer, _ in stages)
    return [
        Roof(name=f"all stages at work: {len(stages)} stages", macs_per_cycle=peak),
        Roof(
            name=f"slowest stage: {slowest.name}, {most:,} cycles per image",
            macs_per_cycle=macs / most,
        ),
    ]
