"""Sizes of scratchpads at which a layer moves each operand once and no partial sums."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from types import MappingProxyType

from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.schema import Scratchpad

INPUT_KIB = "memory.input_scratchpad.kib"
WEIGHT_KIB = "memory.weight_scratchpad.kib"
OUTPUT_KIB = "memory.output_scratchpad.kib"


def rereads(plan: LayerPlan, operand: Operand) -> bool:
    """True if DRAM moves an element of an operand more than once."""
    return plan.loaded_elements(operand) > operand.layer_elements


def _inputs_need(plan: LayerPlan) -> float:
    return ceil(plan.shortcut_space.scratchpad_bytes(_bits(plan.inputs)) / 10.24) / 100


def _weights_need(plan: LayerPlan) -> float:
    return _kib(plan.machine.memory.weight_scratchpad, _bits(plan.weights))


def _sums_need(plan: LayerPlan) -> float:
    return _kib(plan.machine.memory.output_scratchpad, plan.strip_sum_bits)


def _bits(operand: Operand) -> int:
    return ceil(operand.layer_elements * operand.bits)


def _kib(scratchpad: Scratchpad, bits: int) -> float:
    """KiB of a scratchpad whose buffers have `bits` bits each, in steps of 0.01 KiB."""
    return ceil(100 * bits * scratchpad.buffers / 8192) / 100


_NEEDS: Mapping[str, tuple[Callable[[LayerPlan], bool], Callable[[LayerPlan], float]]] = (
    MappingProxyType(
        {
            INPUT_KIB: (lambda plan: rereads(plan, plan.inputs), _inputs_need),
            WEIGHT_KIB: (lambda plan: rereads(plan, plan.weights), _weights_need),
            OUTPUT_KIB: (lambda plan: plan.sums == "dram", _sums_need),
        }
    )
)
CAPACITIES = frozenset(_NEEDS)
"""Keys of scratchpads that keep data of a layer, or move it again."""


def enough_kib(key: str, plan: LayerPlan) -> float:
    """Smallest size in KiB, in steps of 0.01 KiB, at which a layer moves no data again.

    Args:
        key: one of `CAPACITIES`.
        plan: the plan of the layer.

    """
    return _NEEDS[key][1](plan)


def next_sizes(key: str, plans: Sequence[LayerPlan]) -> list[tuple[float, list[str]]]:
    """Return sizes in KiB at which one more layer, and all layers, move no data again.

    Args:
        key: one of `CAPACITIES`.
        plans: the plans of the layers of a run.

    Returns:
        Each size with the names of the layers for which it is enough.

    """
    again, need = _NEEDS[key]
    needs = {plan.layer.name: need(plan) for plan in plans if again(plan)}
    sizes = sorted({min(needs.values()), max(needs.values())}) if needs else []
    return [(size, [name for name, kib in needs.items() if kib <= size]) for size in sizes]
