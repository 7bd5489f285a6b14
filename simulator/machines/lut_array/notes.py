"""Notes on a run of the array: the mapper's decisions, and the cost of lookups and ports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulator.base.quantities import rate_of
from simulator.base.wording import Layers, counted, kilobytes, layers_phrase
from simulator.machines.family import Ran
from simulator.machines.lut_array.banks import bank_of
from simulator.machines.lut_array.capacity import ACTIVATION_KIB, INDEX_KIB, enough_kib, rereads
from simulator.machines.lut_array.mapped import MappedLayer
from simulator.machines.lut_array.plan import LayerPlan
from simulator.machines.lut_array.tiling import tiling_notes
from simulator.machines.lut_array.vocabulary import DOT_UNITS, INDEX_FETCH, UNITS
from simulator.machines.lut_array.weights import fetched_for
from simulator.machines.vector.notes import vector_notes
from simulator.workload.scope import FULL_PRECISION_BITS

_READ_BY = {UNITS.index(INDEX_FETCH): "index", UNITS.index(DOT_UNITS): "activation"}
"""The buffer that each unit reads, by the unit's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A note about the layers that it applies to.

    The templates name layers (`{layers}`), sizes of the hardware (`{lut_entries}`, `{index_kib}`,
    `{activation_kib}`) and sizes at which none of the layers rereads
    (`{index_enough}`, `{activation_enough}`).
    """

    applies: Callable[[MappedLayer], bool]
    singular: str
    """The note about one layer."""
    plural: str
    """The note about several layers."""


_RULES = (
    _Rule(
        applies=lambda m: _sub_bit_direct(m) and not m.plan.hardware.array.pe.lut_size,
        singular="{layers} runs in direct mode, with kernels expanded from its subset, because the "
        "PE has no LUT.",
        plural="{layers} run in direct mode, with kernels expanded from their subsets, because the "
        "PE has no LUT.",
    ),
    _Rule(
        applies=lambda m: _sub_bit_direct(m) and m.plan.hardware.array.pe.lut_size > 0,
        singular="{layers} runs in direct mode, with kernels expanded from its subset, because the "
        "LUT saves no cycles.",
        plural="{layers} run in direct mode, with kernels expanded from their subsets, because the "
        "LUT saves no cycles.",
    ),
    _Rule(
        applies=lambda m: _in_passes(m) and m.plan.layer.kernels is None,
        singular="{layers} needs several LUT passes because its subset is larger than the LUT "
        "({lut_entries}). The model spreads outputs evenly over the passes because the workload "
        "has no indices.",
        plural="{layers} need several LUT passes because their subsets are larger than the LUT "
        "({lut_entries}). The model spreads outputs evenly over the passes because the workload "
        "has no indices.",
    ),
    _Rule(
        applies=lambda m: _in_passes(m) and m.plan.layer.kernels is not None,
        singular="{layers} needs several LUT passes because its subset is larger than the LUT "
        "({lut_entries}). Each pass takes as long as the input unit with the most outputs in it.",
        plural="{layers} need several LUT passes because their subsets are larger than the LUT "
        "({lut_entries}). Each pass takes as long as the input unit with the most outputs in it.",
    ),
    _Rule(
        applies=lambda m: (
            m.plan.hardware.memory.index_buffer.encoding == "huffman"
            and m.plan.mode != "mac"
            and not m.plan.huffman
        ),
        singular="{layers} is stored at fixed length because the workload has only its shape, and "
        "Huffman coding cannot shorten a uniform histogram.",
        plural="{layers} are stored at fixed length because the workload has only their shapes, "
        "and Huffman coding cannot shorten a uniform histogram.",
    ),
    _Rule(
        applies=lambda m: m.weights == "row" and rereads(INDEX_KIB, m),
        singular="{layers} reloads its weights for every output row because they do not fit in the "
        "index buffer ({index_kib} KiB; {index_enough} KiB would be enough).",
        plural="{layers} reload their weights for every output row because they do not fit in the "
        "index buffer ({index_kib} KiB; {index_enough} KiB would be enough).",
    ),
    _Rule(
        applies=lambda m: m.weights == "step",
        singular="{layers} reloads its weights for every step because one output block's weights "
        "do not fit in the index buffer ({index_kib} KiB; {index_enough} KiB would hold all "
        "weights).",
        plural="{layers} reload their weights for every step because one output block's weights do "
        "not fit in the index buffer ({index_kib} KiB; {index_enough} KiB would hold all weights).",
    ),
    _Rule(
        applies=lambda m: m.inputs == "patches",
        singular="{layers} rereads its inputs for every output block and row because the inputs of "
        "two output rows do not fit in the activation buffer ({activation_kib} KiB; "
        "{activation_enough} KiB would be enough).",
        plural="{layers} reread their inputs for every output block and row because the inputs of "
        "two output rows do not fit in the activation buffer ({activation_kib} KiB; "
        "{activation_enough} KiB would be enough).",
    ),
    _Rule(
        applies=lambda m: m.inputs == "step",
        singular="{layers} rereads its inputs for every step because one transfer's inputs do not "
        "fit in the activation buffer ({activation_kib} KiB; {activation_enough} KiB would hold "
        "the inputs of two output rows).",
        plural="{layers} reread their inputs for every step because one transfer's inputs do not "
        "fit in the activation buffer ({activation_kib} KiB; {activation_enough} KiB would hold "
        "the inputs of two output rows).",
    ),
    _Rule(
        applies=lambda m: m.plan.layer.groups > 1 and m.writes == "separate",
        singular="{layers} writes the outputs of each group in separate bursts because shared "
        "bursts would take space of inputs in the activation buffer ({activation_kib} KiB).",
        plural="{layers} write the outputs of each group in separate bursts because shared bursts "
        "would take space of inputs in the activation buffer ({activation_kib} KiB).",
    ),
)


def notes(run: Ran[MappedLayer]) -> list[str]:
    """Return the notes of one run."""
    layers = run.mapping.weighted
    texts = []
    for rule in _RULES:
        chosen = [mapped for mapped in layers if rule.applies(mapped)]
        if chosen:
            template = _phrase(chosen, layers).inflect(rule.singular, rule.plural)
            texts.append(_with_sizes(template, chosen))
    return [
        *texts,
        *_cut(layers),
        *_conflicts(layers),
        *_narrow(layers),
        *_index_port(layers),
        *_uneven(layers),
        *_port_conflicts(run),
        *_coded([m.plan for m in layers if m.plan.huffman]),
        *_widths(layers),
        *tiling_notes(run),
        *run.mapping.remarks,
        *vector_notes(run),
    ]


def _with_sizes(template: str, chosen: Sequence[MappedLayer]) -> str:
    hardware = chosen[0].plan.hardware
    sizes = {
        "lut_entries": counted(hardware.array.pe.lut_size, "entry", "entries"),
        "index_kib": f"{hardware.memory.index_buffer.kib:g}",
        "activation_kib": f"{hardware.memory.activation_buffer.kib:g}",
    }
    for name, key in (("index_enough", INDEX_KIB), ("activation_enough", ACTIVATION_KIB)):
        if f"{{{name}}}" in template:
            sizes[name] = f"{max(enough_kib(key, mapped) for mapped in chosen):,.10g}"
    for name, size in sizes.items():
        template = template.replace(f"{{{name}}}", size)
    return template


def _phrase(chosen: Sequence[MappedLayer], layers: Sequence[MappedLayer]) -> Layers:
    return layers_phrase(_names(chosen), _names(layers))


def _names(layers: Sequence[MappedLayer]) -> list[str]:
    return [mapped.plan.layer.name for mapped in layers]


def _sub_bit_direct(mapped: MappedLayer) -> bool:
    return mapped.plan.mode == "direct" and mapped.plan.layer.tau is not None


def _in_passes(mapped: MappedLayer) -> bool:
    return mapped.plan.mode == "lut" and len(mapped.plan.pass_entries) > 1


def _conflicts(layers: Sequence[MappedLayer]) -> list[str]:
    """Note by how much a limited LUT bank lengthens accumulation."""
    texts = []
    for real, why in (
        (False, "as uniformly random indices would on average (the workload has no indices)"),
        (True, "according to the layers' own indices"),
    ):
        chosen = [
            m
            for m in layers
            if m.plan.mode == "lut"
            and not bank_of(m.plan.hardware).always_in_a_cycle
            and (m.plan.layer.kernels is not None) == real
        ]
        if chosen:
            with_waits = sum(int(m.plan.accumulate_table.sum()) for m in chosen)
            without = sum(int(m.plan.unhindered_table.sum()) for m in chosen)
            texts.append(
                f"accumulation takes {with_waits / max(1, without):.2f} times as long in "
                f"{_phrase(chosen, layers).text} because lookups wait for the LUT's ports or "
                f"sub-banks, {why}."
            )
    return texts


def _narrow(layers: Sequence[MappedLayer]) -> list[str]:
    """Note by how much reading windows lengthens the steps that read them."""
    waiting = [m for m in layers if m.plan.mode != "mac" and waits_for_windows(m.plan)]
    if not waiting:
        return []
    pairs = [np.broadcast_arrays(m.plan.step_dots[:, None], m.plan.step_words) for m in waiting]
    dots = sum(int(dots.sum()) for dots, _ in pairs)
    taken = sum(int(np.maximum(dots, lines).sum()) for dots, lines in pairs)
    rate = waiting[0].plan.hardware.memory.activation_buffer.bytes_per_cycle
    return [
        f"fills and direct steps that read windows take {taken / dots:.2f} times as long in "
        f"{_phrase(waiting, layers).text} because activation_buffer.bytes_per_cycle ({rate:g}) is "
        "too low."
    ]


def _cut(layers: Sequence[MappedLayer]) -> list[str]:
    """Note full-precision layers whose weight tiles are cut to fit in the index buffer."""
    chosen = [m for m in layers if m.plan.is_cut]
    if not chosen:
        return []
    kib = chosen[0].plan.hardware.memory.index_buffer.kib
    rows = any(m.plan.input_parts[0].taps < m.plan.layer.taps for m in chosen)
    parts = "fewer input channels, or kernel rows," if rows else "fewer input channels"
    return [
        _phrase(chosen, layers).inflect(
            f"{{layers}} works on {parts} at a time because the weights of one output block and "
            f"one input block do not fit in the index buffer ({kib:g} KiB).",
            f"{{layers}} work on {parts} at a time because the weights of one output block and "
            f"one input block do not fit in the index buffer ({kib:g} KiB).",
        )
    ]


def _index_port(layers: Sequence[MappedLayer]) -> list[str]:
    """Note by how much index fetches take longer than the steps that they feed.

    More PEs do not shorten such a layer. They may even cost some cycles: a larger input block comes
    later, or its fetch loses a larger part of its last cycle.
    """
    hardware = layers[0].plan.hardware
    fetching = [m for m in layers if m.plan.mode != "mac" and fetched_for(m.plan) == "step"]
    sums = [(m, *_fetches_and_steps(m.plan)) for m in fetching]
    slow = [(m, fetches, steps) for m, fetches, steps in sums if fetches > steps]
    if not slow:
        return []
    chosen, fetches, steps = zip(*slow, strict=True)
    return [
        f"index fetches take {sum(fetches) / sum(steps):.2f} times as long as the steps that they "
        f"feed in {_phrase(chosen, layers).text} because index_buffer.bytes_per_cycle "
        f"({hardware.memory.index_buffer.bytes_per_cycle:g}) is too low for "
        f"{counted(hardware.array.pes, 'PE')}."
    ]


def _fetches_and_steps(plan: LayerPlan) -> tuple[int, int]:
    """Cycles of the index fetches of a pixel step, and of the steps that they feed."""
    rate = rate_of(plan.hardware.memory.index_buffer.bytes_per_cycle)
    fetches = -(-plan.decoded_table * rate.denominator // rate.numerator)
    return int(fetches.sum()), int(plan.step_table.sum())


def _uneven(layers: Sequence[MappedLayer]) -> list[str]:
    """Note output blocks of a full partial-sum buffer whose last cycle has idle accumulators."""
    pe = layers[0].plan.hardware.array.pe
    rest = pe.partial_sums % pe.accumulators
    full = [
        m
        for m in layers
        if m.plan.mode != "mac" and any(b.outputs == pe.partial_sums for b in m.plan.blocks)
    ]
    if not rest or not full:
        return []
    return [
        f"in {_phrase(full, layers).text}, every drain of {counted(pe.partial_sums, 'output')} "
        f"uses {rest} of {pe.accumulators} accumulators in its last cycle because "
        f"array.pe.accumulators does not divide array.pe.partial_sums ({pe.partial_sums})."
    ]


def _port_conflicts(run: Ran[MappedLayer]) -> list[str]:
    """Note the cycles that reads of a one-port buffer lost, on the critical path or not."""
    memory = run.mapping.weighted[0].plan.hardware.memory
    if all(buffer.ports > 1 for buffer in memory.buffers.values()):
        return []
    lost = run.summary.lost.sum(axis=0)
    return [
        f"reads of the {buffer} buffer lose {counted(cycles, 'cycle')} to writes because the "
        "buffer has one port."
        for reader, buffer in _READ_BY.items()
        if (cycles := int(lost[reader]))
    ]


def waits_for_windows(plan: LayerPlan) -> bool:
    """True if reading a step's windows takes longer than its dot products."""
    return bool(plan.step_words.max() > plan.step_dots.min())


def _widths(layers: Sequence[MappedLayer]) -> list[str]:
    """Note the width of full-precision operands, if it is not 32 bits."""
    chosen = [mapped for mapped in layers if mapped.plan.layer.full_precision]
    bits = layers[0].plan.hardware.full_precision.bits
    if not chosen or bits == FULL_PRECISION_BITS:
        return []
    rest = (
        f"in full precision with operands of {bits} bits (full_precision.bits), not "
        f"{FULL_PRECISION_BITS}."
    )
    return [_phrase(chosen, layers).inflect(f"{{layers}} runs {rest}", f"{{layers}} run {rest}")]


def _coded(plans: list[LayerPlan]) -> list[str]:
    """Note the savings of Huffman coding, in layers that have indices."""
    if not plans:
        return []
    stored = sum(plan.weight_bytes + plan.code_bytes for plan in plans)
    fixed = sum(int(plan.decoded_table.sum()) for plan in plans)
    return [
        f"Huffman coding stores the indices and code lengths of {counted(len(plans), 'layer')} in "
        f"{kilobytes(stored)} instead of {kilobytes(fixed)}."
    ]
