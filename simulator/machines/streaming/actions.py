"""Actions of a layer's stage: counts by unit, from its plan; docs/streaming-costs.md.

Every image has the same actions. A test counts them command by command.
"""

from collections import Counter
from collections.abc import Iterable
from math import ceil

from simulator.base.columns import Ints
from simulator.machines.family import Counts
from simulator.machines.streaming.area import layer_memories
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.memories import memory_of
from simulator.machines.streaming.operators import Operator
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.stages import Dma, MatrixVector, Stage, Threshold, Weights
from simulator.machines.streaming.widths import (
    accumulated_bits,
    levels,
    levels_bits,
    sum_bits,
    tree_adders,
)
from simulator.workload import Layer
from simulator.workload.vector_layer import VectorLayer, sources

DOT_PRODUCTS, DOT_ADDERS = 9, 7
"""Products and full adders of one `dot` action, the unit of its energy in the energy table."""


def layer_actions(mapped: MappedStage, moved: Ints, activates: Ints | None = None) -> Counts:
    """Count the actions of a layer's stage for all images.

    Args:
        mapped: the layer.
        moved: [units] bytes that its commands move.
        activates: [units] DRAM rows opened for these bytes, if a DRAM table ran.

    """
    if mapped.plan is None:
        return {}
    counts = Counter(_of_own_units(mapped.plan))
    for stage in mapped.stages:
        counts.update(_of_fifos(stage))
        if isinstance(stage, Threshold) and stage.name != _main(mapped.plan):
            bits = stage.source.words * stage.source.bits
            steps = max(1, levels(mapped.plan.shape.in_bits))
            counts[stage.name, "threshold_bit"] += bits * steps
    counts = Counter({key: mapped.batch * count for key, count in counts.items()})
    for number, stage in enumerate(mapped.stages, mapped.first_unit):
        if isinstance(stage, Dma | Weights):
            counts[stage.name, f"dram_{stage.rate}_byte"] = int(moved[number])
            if activates is not None:
                counts[stage.name, "dram_activate"] = int(activates[number])
    return {key: count for key, count in counts.items() if count}


def memory_kib(mapped: MappedStage, hardware: Streaming) -> dict[str, float]:
    """Return the size in KiB of a bank of each memory of a layer's stage, by name.

    The largest of several FIFOs in flip-flops, or in SRAM, decides the energy of all.
    """
    if mapped.plan is None:
        return {}
    sizes: dict[str, float] = {}
    for memory in layer_memories(mapped, hardware):
        sizes[memory.name] = max(memory.bank_kib, sizes.get(memory.name, 0.0))
    if isinstance(mapped.layer, Layer):
        sizes["accumulator"] = sum_bits(mapped.plan) / 8192
    return sizes


def _main(plan: Plan) -> str:
    """Return the name of the last unit of a stage."""
    kind = "mvtu" if isinstance(plan.layer, Layer) else plan.main_kind
    return f"{plan.shape.name}.{kind}"


def _of_fifos(stage: Stage) -> Counts:
    """Count the bits that enter and leave the FIFOs in front of a unit, for an image."""
    counts: Counter[tuple[str, str]] = Counter()
    fifos: Iterable[Fifo] = stage.sources
    if isinstance(stage, MatrixVector) and stage.weights is not None:
        fifos = [*fifos, stage.weights]
    for fifo in fifos:
        for action in ("write", "read"):
            name = f"{memory_of(fifo).name}_{action}_bit"
            counts[stage.name, name] += fifo.words * fifo.bits
    return dict(counts)


# --- units of a stage, for an image -------------------------------------------------------------


def _of_own_units(plan: Plan) -> Counts:
    """Count the actions of a stage's own units for an image."""
    counts: Counts = {}
    for one in plan.operators:
        if one.buffer_bits:
            counts |= _of_windows(plan, one)
    if isinstance(plan.layer, VectorLayer):
        return counts | _named(_main(plan), _of_vector_unit(plan, plan.layer))
    if plan.shape.shared:
        counts |= _named(f"{plan.shape.name}.dots", _of_dots(plan, plan.layer))
        own = _of_fetches(plan, plan.layer)
    else:
        own = _of_matrix_vector(plan, plan.layer)
    if plan.shape.thresholds:
        own |= _of_thresholds(plan, _outputs(plan), sum_bits(plan), "threshold_memory")
    return counts | _named(_main(plan), own)


def _named(unit: str, actions: dict[str, int]) -> Counts:
    return {(unit, action): count for action, count in actions.items()}


def _outputs(plan: Plan) -> int:
    return plan.shape.out_pixels * plan.layer.out_channels


def _of_windows(plan: Plan, one: Operator) -> Counts:
    """Every word of the padded map enters the line buffer once; every bit of a window is read."""
    written = plan.shape.padded.area * plan.pixel_words * plan.in_bits
    actions = {"line_buffer_write_bit": written, "line_buffer_read_bit": one.words * one.bits}
    return _named(f"{plan.shape.name}.{one.kind}", actions)


def _of_matrix_vector(plan: Plan, layer: Layer) -> dict[str, int]:
    """Count products, sums, and the words of windows and weights."""
    (pe, simd, _), bits = plan.fold, plan.shape.in_bits
    vectors = plan.shape.out_pixels * layer.groups
    firings = vectors * plan.synapse_folds * plan.neuron_folds * pe
    window = vectors * plan.synapse_folds * simd * bits
    counts = {
        "input_buffer_write_bit": window,
        "input_buffer_read_bit": window * (plan.neuron_folds - 1),
        "weight_memory_read_bit": firings * simd * plan.shape.weight_bits,
        **_sums(firings, sum_bits(plan)),
    }
    if plan.shape.weight_bits > 1:
        return counts | {"mac": firings * simd}
    return counts | _dots(firings, simd, bits)


def _of_dots(plan: Plan, layer: Layer) -> dict[str, int]:
    """Count the fills of the tables; all of them read the same kernels."""
    fills = plan.shape.out_pixels * layer.groups * plan.tables
    entries = fills * plan.fold.simd * layer.subset_size
    return {
        **_dots(entries, layer.unit_weights, plan.shape.in_bits),
        "subset_read_bit": fills * layer.subset_size * layer.unit_weights,
        "lut_write_bit": entries * plan.entry_bits,
    }


def _of_fetches(plan: Plan, layer: Layer) -> dict[str, int]:
    """Count fetches by index, and the sums of all outputs of a pixel."""
    pe, simd, _ = plan.fold
    vectors = plan.shape.out_pixels * layer.groups * plan.neuron_folds * pe
    additions = vectors * plan.tables
    return {
        "index_memory_read_bit": additions * simd * layer.unit_bits,
        "lut_read_bit": additions * simd * plan.entry_bits,
        "adder_tree_bit": additions * tree_adders(simd, plan.entry_bits),
        "add_bit": additions * sum_bits(plan),
        "sum_memory_write_bit": additions * sum_bits(plan),
        "sum_memory_read_bit": (additions - vectors) * sum_bits(plan),
    }


def _dots(times: int, numbers: int, bits: int) -> dict[str, int]:
    """Count dot products of 1-bit weights, and the full adders that their `dot` does not have."""
    dots = ceil(times * numbers * bits / DOT_PRODUCTS)
    adders = times * tree_adders(numbers, bits)
    return {"dot": dots, "adder_tree_bit": max(0, adders - DOT_ADDERS * dots)}


def _sums(times: int, bits: int) -> dict[str, int]:
    return {
        "add_bit": times * bits,
        "accumulator_read_bit": times * bits,
        "accumulator_write_bit": times * bits,
    }


def _of_thresholds(plan: Plan, values: int, bits: int, memory: str | None) -> dict[str, int]:
    """Count comparisons with thresholds, or multiplications and additions, of some values."""
    out_bits = plan.shape.target.bits
    counts = {"threshold_bit": values * max(1, levels(out_bits)) * bits}
    if not levels(out_bits):
        counts["mac"] = values
    if memory is not None:
        counts[f"{memory}_read_bit"] = values * levels_bits(out_bits, bits)
    return counts


def _of_vector_unit(plan: Plan, layer: VectorLayer) -> dict[str, int]:
    """Count the actions of the last unit of a stage without weights."""
    kind, bits, kept = plan.main_kind, plan.shape.in_bits, accumulated_bits(plan)
    values = plan.shape.out_pixels * layer.out_channels
    if kind in {"norm", "activation"}:
        return _of_thresholds(plan, values, bits, "threshold_memory" if kind == "norm" else None)
    if kind == "add":
        more = max(1, len(tuple(sources(layer))) - 1)  # a map may be added to itself
        return {"vector_add_bit": values * more * plan.shape.target.bits}
    if kind == "shuffle":
        return {"pixel_buffer_write_bit": values * bits, "pixel_buffer_read_bit": values * bits}
    if kind == "concat":
        return {}
    counts = {"vector_add_bit": values * plan.shape.taps * kept}
    if kind == "average_pool":
        counts["mac"] = values
    if plan.pools_blocks or plan.pools_map:
        rows = layer.window.height if plan.pools_blocks else plan.shape.taps
        counts |= dict.fromkeys(
            ("pool_buffer_write_bit", "pool_buffer_read_bit"), values * rows * kept
        )
    return counts
