"""The actions of a layer's commands: counts by unit, from the shapes in the layer's plan.

The counts do not depend on time and need no trace. docs/energy.md derives every formula. A test
counts the same actions command by command over the whole program.
"""

from dataclasses import dataclass

from simulator.base.columns import Ints
from simulator.machines.family import Counts
from simulator.machines.lut_array.area import dot_bits, lut_bits, sum_bits
from simulator.machines.lut_array.pixels import row_count
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.vocabulary import (
    ACCUMULATORS,
    DOT_UNITS,
    DRAIN_UNIT,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_WEIGHTS,
    INDEX_FETCH,
    MAC_UNIT,
    UNITS,
)  # fmt: skip

_DRAM = {unit: UNITS.index(unit) for unit in (DRAM_WEIGHTS, DRAM_INPUTS, DRAM_OUTPUTS)}
"""Number of each unit that uses the DRAM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """The sizes of a layer that its counts depend on."""

    pixels: int
    outputs: int
    fetches: int
    """Kernels (indices) that the layer applies: pixels x outputs x input channels or vectors."""
    first: int
    """Fetches that open a sum, on every PE that holds a part of that sum."""
    windows: int
    """Windows that dot units receive: pixels x input channels or vectors x output blocks."""


def layer_actions(plan: LayerPlan, moved: Ints, activates: Ints | None = None) -> Counts:
    """Counts of the actions of one layer.

    Args:
        plan: the layer's plan.
        moved: [units] bytes that the layer's commands move.
        activates: [units] DRAM rows that these commands open; None without a DRAM table.

    """
    counts = _transfers(moved) | _fetches(plan) | _compute(plan)
    if activates is not None:
        counts |= {(unit.name, "dram_activate"): int(activates[n]) for unit, n in _DRAM.items()}
    return {key: count for key, count in counts.items() if count}


def _transfers(moved: Ints) -> Counts:
    """Actions of the DRAM and of the buffers' DMA side; the buffers store whole bursts."""
    weights, inputs, outputs = (int(moved[number]) for number in _DRAM.values())
    return {
        (DRAM_WEIGHTS.name, "dram_read_byte"): weights,
        (DRAM_WEIGHTS.name, "index_buffer_write_bit"): 8 * weights,
        (DRAM_INPUTS.name, "dram_read_byte"): inputs,
        (DRAM_INPUTS.name, "activation_buffer_write_bit"): 8 * inputs,
        (DRAM_OUTPUTS.name, "dram_write_byte"): outputs,
        (DRAM_OUTPUTS.name, "activation_buffer_read_bit"): 8 * outputs,
    }


def _fetches(plan: LayerPlan) -> Counts:
    """Actions of index fetches: reads of stored weight tiles, writes of decoded ones."""
    if plan.mode == "mac":
        return {}
    # one fetch per change of the output block
    each = row_count(plan) if len(plan.blocks) > 1 else 1
    if len(plan.group_units) > 1:
        each = plan.pixel_steps
    return {
        (INDEX_FETCH.name, "index_buffer_read_bit"): 8 * each * int(plan.stored_table.sum()),
        (INDEX_FETCH.name, "index_register_write_bit"): 8 * each * int(plan.decoded_table.sum()),
    }


def _compute(plan: LayerPlan) -> Counts:
    shape = _Shape(
        pixels=plan.pixels,
        outputs=plan.layer.out_channels,
        fetches=plan.pixels * plan.units_in * plan.layer.out_channels,
        first=plan.pixels * plan.group_units[0] * plan.layer.out_channels,
        windows=plan.pixels * plan.units_in * len(plan.blocks),
    )
    if plan.mode == "mac":
        return _mac(plan, shape)
    dots = _table(plan, shape) if plan.mode == "lut" else _direct(plan, shape)
    return dots | _drain(plan, shape)


def _mac(plan: LayerPlan, shape: _Shape) -> Counts:
    """Actions of the MAC unit, on operands in the buffers; a step's pixels share weights."""
    kernel, bits = plan.layer.taps, plan.activation_bits
    return {
        (MAC_UNIT.name, "mac"): shape.fetches * kernel,
        (MAC_UNIT.name, "index_buffer_read_bit"): 8 * plan.pixel_steps * plan.weight_bytes,
        (MAC_UNIT.name, "activation_buffer_read_bit"): shape.windows * kernel * bits,
        (MAC_UNIT.name, "activation_buffer_write_bit"): (
            shape.pixels * shape.outputs * sum(plan.copies)
        ),
    }


def _window(plan: LayerPlan, shape: _Shape) -> Counts:
    """Window reads: a step reads its windows once, for all LUT passes."""
    bits = plan.layer.unit_weights * plan.activation_bits
    return {(DOT_UNITS.name, "activation_buffer_read_bit"): shape.windows * bits}


def _table(plan: LayerPlan, shape: _Shape) -> Counts:
    """Actions in LUT mode: fills of the subset per window, and a LUT read per output."""
    entries = shape.windows * plan.layer.subset_size
    entry_bits = lut_bits(plan.activation_bits, plan.layer.unit_weights)
    return {
        **_window(plan, shape),
        **_dots(plan, entries * plan.activation_bits),
        (DOT_UNITS.name, "subset_read_bit"): entries * _expanded(plan),
        (DOT_UNITS.name, "lut_write_bit"): entries * entry_bits,
        (ACCUMULATORS.name, "index_register_read_bit"): shape.fetches * plan.layer.unit_bits,
        (ACCUMULATORS.name, "lut_read_bit"): shape.fetches * entry_bits,
        **_additions(plan, shape.fetches, shape.first),
    }


def _dots(plan: LayerPlan, dots: int) -> Counts:
    """Dot products: an action for each part of 9 weights, and the addition of further parts."""
    added = dots * (plan.dot_parts - 1)
    return {
        (DOT_UNITS.name, "dot"): dots * plan.dot_parts,
        (DOT_UNITS.name, "add_bit"): added * dot_bits(plan.layer.unit_weights),
    }


def _expanded(plan: LayerPlan) -> int:
    """Bits of a kernel from the subset's store; 0 if an index is the kernel itself."""
    return plan.layer.unit_weights if plan.expands else 0


def _direct(plan: LayerPlan, shape: _Shape) -> Counts:
    """Actions in direct mode: a dot product per output and activation bit, added at once."""
    dots = shape.fetches * plan.activation_bits
    return {
        **_window(plan, shape),
        **_dots(plan, dots),
        (DOT_UNITS.name, "index_register_read_bit"): shape.fetches * plan.layer.unit_bits,
        (DOT_UNITS.name, "subset_read_bit"): shape.fetches * _expanded(plan),
        **_additions(plan, dots, shape.first),
    }


def _additions(plan: LayerPlan, added: int, first: int) -> Counts:
    """Additions in the partial-sum buffer; the first value of a sum overwrites the previous sum."""
    width = sum_bits(plan.hardware, plan.activation_bits)
    return {
        (ACCUMULATORS.name, "add_bit"): (added - first) * width,
        (ACCUMULATORS.name, "line_buffer_read_bit"): (added - first) * width,
        (ACCUMULATORS.name, "line_buffer_write_bit"): added * width,
    }


def _drain(plan: LayerPlan, shape: _Shape) -> Counts:
    """Actions of drains: a pixel's sums pass from its PEs through the adder tree to thresholds."""
    width = sum_bits(plan.hardware, plan.activation_bits)
    values = shape.pixels * shape.outputs
    return {
        (DRAIN_UNIT.name, "line_buffer_read_bit"): shape.first * width,
        (DRAIN_UNIT.name, "adder_tree_bit"): (shape.first - values) * width,
        (DRAIN_UNIT.name, "threshold_bit"): values * _threshold_bits(plan) * width,
        (DRAIN_UNIT.name, "activation_buffer_write_bit"): values * sum(plan.copies),
    }


def _threshold_bits(plan: LayerPlan) -> int:
    """Bits of an output that thresholds at the drain make; the vector unit has its own."""
    if plan.epilogue is not None:
        return 0
    return sum(bits for bits in plan.copies if bits != plan.wide_bits)
