"""Area of a pipeline in gate equivalents, stage by stage; docs/streaming-costs.md.

The proxy counts cells from widths and numbers of words, in the cells of the other machines. It
omits control, wires and the clock tree.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import ceil

from simulator.machines.cells import FLIP_FLOP, FULL_ADDER, MUX, STORAGE_BIT, XNOR
from simulator.machines.streaming.fifos import Fifo
from simulator.machines.streaming.mapped import MappedStage
from simulator.machines.streaming.memories import (
    MEMORIES,
    Memory,
    fifo_memory,
    memories_of,
    memory_of,
)
from simulator.machines.streaming.plan import Plan
from simulator.machines.streaming.schema import Streaming
from simulator.machines.streaming.stages import (
    Converter,
    Dma,
    Fork,
    MatrixVector,
    Stage,
    Threshold,
    Weights,
)
from simulator.machines.streaming.widths import accumulated_bits, levels, sum_bits, tree_adders
from simulator.workload import Layer
from simulator.workload.vector_layer import sources

BUFFERS = frozenset(MEMORIES)
"""Parts that are cells of SRAM; `NAME_logic` are its ports, or flip-flops instead of SRAM."""

Gates = dict[str, Fraction]
"""Gate equivalents by part."""


def area(layers: Iterable[MappedStage], hardware: Streaming) -> dict[str, int]:
    """Return the gate equivalents of each part of the pipeline."""
    total: Counter[str] = Counter()
    for parts in area_by_layer(layers, hardware).values():
        total.update(parts)
    return dict(total)


def area_by_layer(layers: Iterable[MappedStage], hardware: Streaming) -> dict[str, dict[str, int]]:
    """Return the gate equivalents of each part of each layer's stage, rounded up.

    The parts of all layers add up to those of the pipeline. A layer in the thresholds of another
    layer has none.
    """
    return {one.layer.name: layer_area(one, hardware) for one in layers}


def layer_area(mapped: MappedStage, hardware: Streaming) -> dict[str, int]:
    """Return the gate equivalents of each part of a layer's stage, with the FIFOs in it."""
    if mapped.plan is None:
        return {}
    gates = _logic(mapped.plan)
    for stage in mapped.stages:
        _add(gates, _link(stage, mapped.plan, hardware))
    for memory in layer_memories(mapped, hardware):
        _add(gates, _parts_of(memory))
    return {part: ceil(size) for part, size in gates.items() if size}


def plan_area(plan: Plan, hardware: Streaming) -> Fraction:
    """Return the gate equivalents of a stage that its parallelism decides.

    These are its units and the FIFOs between them. Converters, and the FIFO in front of the stage,
    depend on its neighbors too and are not in it.
    """
    total = sum(_logic(plan).values(), Fraction(0))
    streamed = hardware.memory.weights == "streamed"
    memories = [*memories_of(plan, streamed=streamed), *_inner_fifos(plan, hardware)]
    return total + sum((one.cells + one.logic for one in memories), Fraction(0))


def layer_memories(mapped: MappedStage, hardware: Streaming) -> Iterator[Memory]:
    """Yield all memories of a layer's stage: those of its units, and its FIFOs."""
    if mapped.plan is not None:
        yield from memories_of(mapped.plan, streamed=hardware.memory.weights == "streamed")
    for stage in mapped.stages:
        yield from map(memory_of, stage.sources)
        if isinstance(stage, MatrixVector) and stage.weights is not None:
            yield _of_weights(stage.weights, stage.synapse_folds)


def buffer_kib(layers: Iterable[MappedStage], hardware: Streaming) -> float:
    """Return the size of all SRAMs in KiB."""
    memories = (one for mapped in layers for one in layer_memories(mapped, hardware))
    return sum(one.total_bits for one in memories if one.is_sram) / 8192


def _of_weights(fifo: Fifo, words: int) -> Memory:
    """Return the memory of a FIFO of weights, whose item is the words of a neuron fold."""
    return fifo_memory(fifo.depth * words, fifo.bits // words)


def _inner_fifos(plan: Plan, hardware: Streaming) -> Iterator[Memory]:
    depth = hardware.fifos.depth
    if hardware.fifos.limit is not None:
        depth = min(depth, hardware.fifos.limit)
    for one in plan.operators:
        yield fifo_memory(depth, one.bits)
    if hardware.memory.weights == "streamed" and plan.main_kind == "mvtu":
        pe, simd, _ = plan.fold
        yield fifo_memory(2 * plan.synapse_folds, pe * simd * plan.shape.weight_bits)


def _parts_of(memory: Memory) -> Gates:
    return {memory.name: memory.cells, f"{memory.name}_logic": memory.logic}


def _add(gates: Gates, more: Gates) -> None:
    for part, size in more.items():
        gates[part] = gates.get(part, Fraction(0)) + size


# --- units of a stage ---------------------------------------------------------------------------


def _logic(plan: Plan) -> Gates:
    """Return the gate equivalents of a stage's own units, without memories."""
    gates: Gates = {}
    bits = plan.in_bits
    for one in plan.operators:
        kept = max(bits, one.bits) * STORAGE_BIT if one.kind == "convert" else one.bits * FLIP_FLOP
        _add(gates, {"registers": kept})
        bits = one.bits
    layer = plan.layer
    if not isinstance(layer, Layer):
        _add(gates, _vector_unit(plan))
    elif plan.shape.shared:
        _add(gates, _shared_kernels(plan, layer))
    else:
        _add(gates, _matrix_vector(plan))
    if plan.shape.thresholds:
        _add(gates, _comparators(plan.fold.pe, sum_bits(plan), plan.shape.target.bits))
    _add(gates, {"registers": plan.out_bits * FLIP_FLOP})
    return gates


def _matrix_vector(plan: Plan) -> Gates:
    """Return PE x SIMD products, a tree and an accumulator per PE."""
    (pe, simd, _), bits, weight_bits = plan.fold, plan.shape.in_bits, plan.shape.weight_bits
    binary = weight_bits == 1
    product = bits * XNOR if binary else bits * weight_bits * FULL_ADDER
    width = bits if binary else bits + weight_bits
    return {
        "multipliers": pe * simd * product,
        "adder_trees": pe * tree_adders(simd, width) * FULL_ADDER,
        "accumulators": pe * sum_bits(plan) * (FULL_ADDER + FLIP_FLOP),
    }


def _shared_kernels(plan: Plan, layer: Layer) -> Gates:
    """Return dot units with the registers of their windows; per PE a tree and an accumulator."""
    (pe, simd, dots), bits = plan.fold, plan.shape.in_bits
    weights = layer.unit_weights
    trees = simd * dots * tree_adders(weights, bits) + pe * tree_adders(simd, plan.entry_bits)
    return {
        "multipliers": simd * dots * weights * bits * XNOR,
        "adder_trees": trees * FULL_ADDER,
        "accumulators": pe * sum_bits(plan) * (FULL_ADDER + FLIP_FLOP),
        "registers": simd * weights * bits * STORAGE_BIT,
    }


def _comparators(lanes: int, value_bits: int, out_bits: int) -> Gates:
    """Return thresholds, or a multiplier and an adder, of several values."""
    adders = levels(out_bits) * value_bits or (out_bits + 1) * value_bits
    return {"comparators": lanes * adders * FULL_ADDER}


def _vector_unit(plan: Plan) -> Gates:
    """Return the operation of a stage without weights on every lane."""
    kind, lanes, bits = plan.main_kind, plan.fold.pe, plan.shape.in_bits
    kept = accumulated_bits(plan)
    if kind in {"norm", "activation"}:
        return _comparators(lanes, bits, plan.shape.target.bits)
    if kind == "add":
        more = max(1, len(tuple(sources(plan.layer))) - 1)  # a map may be added to itself
        return {"additions": lanes * more * plan.shape.target.bits * FULL_ADDER}
    register = Fraction(0) if plan.pools_blocks or plan.pools_map else kept * FLIP_FLOP
    if kind == "max_pool":
        return {"pools": lanes * (bits * (FULL_ADDER + MUX) + register)}
    if kind == "average_pool":
        return {"pools": lanes * (kept * FULL_ADDER * (1 + bits) + register)}
    return {"registers": lanes * bits * MUX}  # concat and shuffle choose a word


# --- units between stages -----------------------------------------------------------------------


def _link(stage: Stage, plan: Plan, hardware: Streaming) -> Gates:
    """Return the parts of a unit that is not the stage's own: it moves words from or to others."""
    if isinstance(stage, Dma | Weights):
        burst = 8 * hardware.dram.burst_bytes * STORAGE_BIT
        return {"dma": burst + 8 * hardware.dma_channel.bytes_per_cycle * FLIP_FLOP}
    if isinstance(stage, Converter) and stage.name != f"{stage.layer}.convert":
        return {"registers": max(stage.source.bits, stage.target.bits) * STORAGE_BIT}
    if isinstance(stage, Fork):
        return {"registers": stage.source.bits * FLIP_FLOP}
    if isinstance(stage, Threshold) and stage.name != f"{stage.layer}.{plan.main_kind}":
        adders = stage.source.bits * max(1, levels(plan.shape.in_bits))
        return {"comparators": adders * FULL_ADDER, "registers": stage.target.bits * FLIP_FLOP}
    return {}
