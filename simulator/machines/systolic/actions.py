"""Actions of a layer's commands: counts by unit, from the shapes in the plan.

The counts do not depend on time and need no trace. docs/systolic.md derives every formula; a test
counts the same actions fold by fold.
"""

from fractions import Fraction
from math import ceil

from simulator.base.columns import Ints
from simulator.machines.family import Counts
from simulator.machines.systolic.area import (
    KERNEL_BITS,
    decoder_bits,
    register_bits,
    scratchpads,
)
from simulator.machines.systolic.plan import LayerPlan, Operand
from simulator.machines.systolic.schema import Systolic
from simulator.machines.systolic.vocabulary import (
    ARRAY,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_SUMS,
    DRAM_WEIGHTS,
    PRELOAD_UNIT,
    UNITS,
)

_DRAM = (DRAM_WEIGHTS, DRAM_INPUTS, DRAM_SUMS, DRAM_OUTPUTS)
DOT_PRODUCTS = 9
"""Binary products of one `dot` action, the unit of its energy in the energy table."""


def layer_actions(plan: LayerPlan, moved: Ints, activates: Ints | None = None) -> Counts:
    """Count the actions of a layer.

    Args:
        plan: the plan of the layer.
        moved: [units] bytes that its commands move.
        activates: [units] DRAM rows opened for its commands, if a DRAM table ran.

    """
    counts = _transfers(plan, moved) | _streams(plan) | _sums(plan)
    if plan.stationary_operand is not None:
        counts |= _preloads(plan, plan.stationary_operand)
    if activates is not None:
        for unit in _DRAM:
            counts[unit.name, "dram_activate"] = int(activates[UNITS.index(unit)])
    return {key: count for key, count in counts.items() if count}


def memories(machine: Systolic, kernel_weights: int = KERNEL_BITS) -> dict[str, float]:
    """Size in KiB of each memory with counted bit reads and writes, by name."""
    sizes = {name: sram.one_port_kib for name, sram in scratchpads(machine).items()}
    sizes["pe_register"] = register_bits(machine) / 8192
    if machine.subbit_weights == "decoded":
        sizes["decoder"] = decoder_bits(machine, kernel_weights) / 8192
    return sizes


def _transfers(plan: LayerPlan, moved: Ints) -> Counts:
    """Count DRAM actions and those on the DMA side of the scratchpads.

    The scratchpads store whole bursts from DRAM. Copies that stay on chip move from the output
    scratchpad to the input scratchpad.
    """
    bytes_of = {unit: int(moved[UNITS.index(unit)]) for unit in _DRAM}
    sums = plan.gemm.outputs * (plan.places if plan.sums == "dram" else 1)
    return {
        (DRAM_WEIGHTS.name, "dram_read_byte"): bytes_of[DRAM_WEIGHTS],
        (DRAM_WEIGHTS.name, "weight_scratchpad_write_bit"): 8 * bytes_of[DRAM_WEIGHTS],
        (DRAM_WEIGHTS.name, "decoder_write_bit"): plan.gemm.subset_bits,
        (DRAM_INPUTS.name, "dram_read_byte"): bytes_of[DRAM_INPUTS],
        (DRAM_INPUTS.name, "input_scratchpad_write_bit"): 8 * bytes_of[DRAM_INPUTS],
        (DRAM_SUMS.name, "dram_read_byte"): bytes_of[DRAM_SUMS],
        (DRAM_SUMS.name, "output_scratchpad_write_bit"): 8 * bytes_of[DRAM_SUMS],
        (DRAM_OUTPUTS.name, "dram_write_byte"): bytes_of[DRAM_OUTPUTS],
        (DRAM_OUTPUTS.name, "output_scratchpad_read_bit"): sums * _sum_bits(plan),
        (DRAM_OUTPUTS.name, "input_scratchpad_write_bit"): (
            plan.gemm.outputs * sum(plan.on_chip.kept)
        ),
    }


def _streams(plan: LayerPlan) -> Counts:
    """Count the actions of the PEs, and the operands that enter them step by step."""
    gemm, counts = plan.gemm, Counts()
    for operand in plan.moving_operands:
        counts |= _reads(plan, operand, ARRAY.name)
    width = {"inputs": gemm.input_bits, "weights": gemm.expanded_weight_bits}
    moving = sum((width[operand.name] for operand in plan.moving_operands), Fraction(0))
    written = moving + _sum_bits(plan)
    read = gemm.input_bits + gemm.expanded_weight_bits + _sum_bits(plan)
    counts[ARRAY.name, "pe_register_write_bit"] = ceil(gemm.products * written)
    counts[ARRAY.name, "pe_register_read_bit"] = ceil(gemm.products * read)
    if gemm.binary_products:
        counts[ARRAY.name, "dot"] = ceil(gemm.binary_products / DOT_PRODUCTS)
        counts[ARRAY.name, "add_bit"] = gemm.products * _sum_bits(plan)
    else:
        counts[ARRAY.name, "mac"] = gemm.products
    return counts


def _preloads(plan: LayerPlan, operand: Operand) -> Counts:
    """Count the shifts of a stationary operand: row n of a tile passes through n + 1 registers."""
    full, rest = divmod(plan.place_total, plan.place_size)
    shifts = full * _triangle(plan.place_size) + _triangle(rest)
    gemm = plan.gemm
    bits = gemm.input_bits if operand.name == "inputs" else gemm.expanded_weight_bits
    return {
        **_reads(plan, operand, PRELOAD_UNIT.name),
        (PRELOAD_UNIT.name, "pe_register_write_bit"): ceil(
            gemm.groups * plan.strip_total * shifts * bits
        ),
    }


def _reads(plan: LayerPlan, operand: Operand, unit: str) -> Counts:
    """Count the reads of an operand at the edge of the array; the decoder reads kernels."""
    elements, gemm = plan.entered_elements(operand), plan.gemm
    counts = {(unit, f"{operand.name[:-1]}_scratchpad_read_bit"): ceil(elements * operand.bits)}
    if operand.name == "weights" and gemm.subset_bits:
        counts[unit, "decoder_read_bit"] = ceil(elements * gemm.expanded_weight_bits)
    return counts


def _sums(plan: LayerPlan) -> Counts:
    """Count results that enter the output scratchpad and add to the sums in it."""
    folds = plan.places if plan.stationary else 1
    added = plan.gemm.outputs * (folds - 1) * _sum_bits(plan)
    return {
        (ARRAY.name, "output_scratchpad_write_bit"): plan.gemm.outputs * folds * _sum_bits(plan),
        (ARRAY.name, "output_scratchpad_read_bit"): added,
        (ARRAY.name, "adder_tree_bit"): added,
    }


def _sum_bits(plan: LayerPlan) -> int:
    return plan.machine.array.pe.accumulator_bits


def _triangle(count: int) -> int:
    return count * (count + 1) // 2
