"""Notes on a run of the array: repeated transfers, idle PEs, and assumptions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

from simulator.base.wording import layers_phrase
from simulator.machines.family import Ran
from simulator.machines.systolic.capacity import (
    INPUT_KIB,
    OUTPUT_KIB,
    WEIGHT_KIB,
    enough_kib,
    rereads,
)
from simulator.machines.systolic.gemm import is_sub_bit
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import LayerPlan
from simulator.machines.vector.notes import vector_notes
from simulator.machines.vector.vocabulary import VECTOR_UNIT
from simulator.workload.scope import FULL_PRECISION_BITS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A note about the layers that it applies to.

    The templates name layers (`{layers}`), the current size of a scratchpad (`{kib}`), and a
    sufficient size (`{enough}`).
    """

    applies: Callable[[LayerPlan], bool]
    key: str
    """The scratchpad."""
    singular: str
    """The note about one layer."""
    plural: str
    """The note about several layers."""


_RULES = (
    _Rule(
        applies=lambda plan: rereads(plan, plan.weights),
        key=WEIGHT_KIB,
        singular="{layers} reloads its weights for every strip because they do not fit in a buffer "
        "of the weight scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
        plural="{layers} reload their weights for every strip because they do not fit in a buffer "
        "of the weight scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
    ),
    _Rule(
        applies=lambda plan: rereads(plan, plan.inputs),
        key=INPUT_KIB,
        singular="{layers} reads inputs several times because they do not fit in a buffer of the "
        "input scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
        plural="{layers} read inputs several times because they do not fit in a buffer of the "
        "input scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
    ),
    _Rule(
        applies=lambda plan: plan.sums == "dram",
        key=OUTPUT_KIB,
        singular="{layers} moves partial sums to DRAM and back because those of a strip do not fit "
        "in a buffer of the output scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
        plural="{layers} move partial sums to DRAM and back because those of a strip do not fit in "
        "a buffer of the output scratchpad ({kib} KiB in all; {enough} KiB would be enough).",
    ),
)


def notes(run: Ran[MappedLayer]) -> Iterator[str]:
    """Yield the notes of one run."""
    plans = [mapped.plan for mapped in run.mapping.weighted]
    if VECTOR_UNIT not in run.mapping.program.units:
        yield (
            "batch normalization, thresholds, residual additions and pooling take no time and no "
            "energy; --scope network adds them."
        )
    for rule in _RULES:
        chosen = [plan for plan in plans if rule.applies(plan)]
        if not chosen:
            continue
        template = _layers(chosen, plans, rule.singular, rule.plural)
        sizes = {
            "{kib}": f"{_now(rule.key, chosen[0]):g}",
            "{enough}": f"{max(enough_kib(rule.key, plan) for plan in chosen):,.10g}",
        }
        for name, size in sizes.items():
            template = template.replace(name, size)
        yield template
    yield from _expanded(plans)
    yield from _widths(plans)
    yield from _narrow_sums(plans)
    yield from run.mapping.remarks
    yield from vector_notes(run)


def _expanded(plans: list[LayerPlan]) -> Iterator[str]:
    """Note sub-bit layers whose weights are expanded to a bit each before they are in DRAM."""
    chosen = [plan for plan in plans if is_sub_bit(plan.layer) and not plan.gemm.subset_bits]
    if chosen:
        yield _layers(
            chosen,
            plans,
            "{layers} runs as a 1-bit layer because DRAM has its expanded kernels "
            "(subbit_weights: expanded); with decoded, it loads indices.",
            "{layers} run as 1-bit layers because DRAM has their expanded kernels "
            "(subbit_weights: expanded); with decoded, they load indices.",
        )


def _widths(plans: list[LayerPlan]) -> Iterator[str]:
    """Note the width of full-precision operands, if it is not 32 bits or not that of the PEs."""
    chosen = [plan for plan in plans if plan.layer.full_precision]
    if not chosen:
        return
    pe, bits = chosen[0].machine.array.pe, chosen[0].machine.full_precision.bits
    parts = ceil(bits / pe.input_bits) * ceil(bits / pe.weight_bits)
    if bits != FULL_PRECISION_BITS:
        yield _layers(
            chosen,
            plans,
            f"{{layers}} runs in full precision with operands of {bits} bits "
            f"(full_precision.bits), not {FULL_PRECISION_BITS}.",
            f"{{layers}} run in full precision with operands of {bits} bits "
            f"(full_precision.bits), not {FULL_PRECISION_BITS}.",
        )
    if parts > 1:
        yield (
            f"full-precision operands of {bits} bits (full_precision.bits) are wider than those of "
            f"a PE ({pe.input_bits} and {pe.weight_bits} bits); each product is {parts} products "
            "of parts."
        )


def _narrow_sums(plans: list[LayerPlan]) -> Iterator[str]:
    """Note sums that may exceed the accumulators."""
    chosen = [plan for plan in plans if plan.exact_sum_bits > _accumulator(plan)]
    if chosen:
        most = max(plan.exact_sum_bits for plan in chosen)
        yield _layers(
            chosen,
            plans,
            "{layers} may have sums of up to {bits} bits, more than accumulator_bits; the model "
            "ignores overflow and rounding.",
            "{layers} may have sums of up to {bits} bits, more than accumulator_bits; the model "
            "ignores overflow and rounding.",
        ).replace("{bits}", str(most))


def _accumulator(plan: LayerPlan) -> int:
    return plan.machine.array.pe.accumulator_bits


def _layers(chosen: list[LayerPlan], plans: list[LayerPlan], one: str, several: str) -> str:
    names, network = ([plan.layer.name for plan in each] for each in (chosen, plans))
    return layers_phrase(names, network).inflect(one, several)


def _now(key: str, plan: LayerPlan) -> float:
    memory = plan.machine.memory
    return {
        INPUT_KIB: memory.input_scratchpad.kib,
        WEIGHT_KIB: memory.weight_scratchpad.kib,
        OUTPUT_KIB: memory.output_scratchpad.kib,
    }[key]
