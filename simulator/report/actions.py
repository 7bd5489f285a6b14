"""Which actions a layer's commands are made of: counts by unit, from the plan's shapes.

The counts do not depend on time and need no trace. docs/energy.md derives every formula; a test
counts the same command by command over the whole program.
"""

from dataclasses import dataclass

from simulator.base.columns import Ints
from simulator.hardware.area import lut_bits, sum_bits
from simulator.machines.lut_array.numbering import Unit
from simulator.machines.lut_array.plan import LayerPlan

DRAM_UNITS = (Unit.DRAM_WEIGHTS, Unit.DRAM_INPUTS, Unit.DRAM_OUTPUTS)
Counts = dict[tuple[Unit, str], int]
"""How often each action happens on each unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A layer as its steps see it."""

    pixels: int
    outputs: int
    fetches: int
    """Kernels (indices) applied: pixels x outputs x channels or vectors."""
    first: int
    """Of these, the ones that open a sum, on every PE that holds a share of it."""
    windows: int
    """Inputs held in front of a dot unit: pixels x channels or vectors x blocks."""


def layer_actions(plan: LayerPlan, moved: Ints, activates: Ints | None = None) -> Counts:
    """Actions of one layer.

    Args:
        plan: the layer's.
        moved: [units] bytes that the layer's commands move.
        activates: [units] DRAM rows opened for them, where a DRAM table ran.

    """
    counts = _transfers(moved) | _fetches(plan) | _compute(plan)
    if activates is not None:
        counts |= {(unit, "dram_activate"): int(activates[unit]) for unit in DRAM_UNITS}
    return {key: count for key, count in counts.items() if count}


def _transfers(moved: Ints) -> Counts:
    """DRAM, and the side of the buffers that DMA uses; whole bursts are stored."""
    weights, inputs, outputs = (int(moved[unit]) for unit in DRAM_UNITS)
    return {
        (Unit.DRAM_WEIGHTS, "dram_read_byte"): weights,
        (Unit.DRAM_WEIGHTS, "index_buffer_write_bit"): 8 * weights,
        (Unit.DRAM_INPUTS, "dram_read_byte"): inputs,
        (Unit.DRAM_INPUTS, "activation_buffer_write_bit"): 8 * inputs,
        (Unit.DRAM_OUTPUTS, "dram_write_byte"): outputs,
        (Unit.DRAM_OUTPUTS, "activation_buffer_read_bit"): 8 * outputs,
    }


def _fetches(plan: LayerPlan) -> Counts:
    """Chunks as the buffer holds them are read, as the registers hold them written."""
    if plan.mode == "mac":
        return {}
    rows = -(-plan.pixel_steps // plan.steps_per_row)
    each = rows if len(plan.blocks) > 1 else 1  # fetched when the block changes
    if len(plan.group_units) > 1:
        each = plan.pixel_steps
    return {
        (Unit.INDEX_FETCH, "index_buffer_read_bit"): 8 * each * int(plan.stored_table.sum()),
        (Unit.INDEX_FETCH, "index_register_write_bit"): 8 * each * int(plan.chunk_table.sum()),
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
    dots = _table(plan, shape) if plan.mode == "table" else _direct(plan, shape)
    return dots | _drain(plan, shape)


def _mac(plan: LayerPlan, shape: _Shape) -> Counts:
    """Operands come from the buffers; a step's pixels share its weights."""
    kernel, bits = plan.layer.kernel**2, plan.activation_bits
    return {
        (Unit.MAC, "mac"): shape.fetches * kernel,
        (Unit.MAC, "index_buffer_read_bit"): 8 * plan.pixel_steps * plan.weight_bytes,
        (Unit.MAC, "activation_buffer_read_bit"): shape.windows * kernel * bits,
        (Unit.MAC, "activation_buffer_write_bit"): shape.pixels * shape.outputs * bits,
    }


def _window(plan: LayerPlan, shape: _Shape) -> Counts:
    """A step reads its inputs whole, once for all passes."""
    bits = plan.layer.unit_weights * plan.activation_bits
    return {(Unit.DOT, "activation_buffer_read_bit"): shape.windows * bits}


def _table(plan: LayerPlan, shape: _Shape) -> Counts:
    """Fill: the subset once per window. Accumulate: an entry per output."""
    entries = shape.windows * plan.layer.subset_size
    return {
        **_window(plan, shape),
        (Unit.DOT, "dot"): entries * plan.activation_bits,
        (Unit.DOT, "subset_read_bit"): entries * _expanded(plan),
        (Unit.DOT, "lut_write_bit"): entries * lut_bits(plan.activation_bits),
        (Unit.ACCUMULATE, "index_register_read_bit"): shape.fetches * plan.layer.unit_bits,
        (Unit.ACCUMULATE, "lut_read_bit"): shape.fetches * lut_bits(plan.activation_bits),
        **_additions(plan, shape.fetches, shape.first),
    }


def _expanded(plan: LayerPlan) -> int:
    """Bits of a kernel out of the subset's store; none if the index is the kernel."""
    return plan.layer.unit_weights if plan.expands else 0


def _direct(plan: LayerPlan, shape: _Shape) -> Counts:
    """A dot product per output and activation bit, each added at once."""
    dots = shape.fetches * plan.activation_bits
    return {
        **_window(plan, shape),
        (Unit.DOT, "dot"): dots,
        (Unit.DOT, "index_register_read_bit"): shape.fetches * plan.layer.unit_bits,
        (Unit.DOT, "subset_read_bit"): shape.fetches * _expanded(plan),
        **_additions(plan, dots, shape.first),
    }


def _additions(plan: LayerPlan, added: int, first: int) -> Counts:
    """Into the line buffer; what opens a sum overwrites the sum before."""
    width = sum_bits(plan.hardware, plan.activation_bits)
    return {
        (Unit.ACCUMULATE, "add_bit"): (added - first) * width,
        (Unit.ACCUMULATE, "line_buffer_read_bit"): (added - first) * width,
        (Unit.ACCUMULATE, "line_buffer_write_bit"): added * width,
    }


def _drain(plan: LayerPlan, shape: _Shape) -> Counts:
    """Sums leave every PE of a pixel, meet in the adder tree and are compared with thresholds."""
    width = sum_bits(plan.hardware, plan.activation_bits)
    values = shape.pixels * shape.outputs
    return {
        (Unit.DRAIN, "line_buffer_read_bit"): shape.first * width,
        (Unit.DRAIN, "adder_tree_bit"): (shape.first - values) * width,
        (Unit.DRAIN, "threshold_bit"): values * plan.activation_bits * width,
        (Unit.DRAIN, "activation_buffer_write_bit"): values * plan.activation_bits,
    }
