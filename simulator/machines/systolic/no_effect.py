"""Reasons why a changed key of the hardware file has no effect, and PEs without work."""

from simulator.base.wording import counted, layers_phrase
from simulator.dram.section import DRAM_TABLE_KEYS, OTHER_UNIT
from simulator.machines.family import Change
from simulator.machines.systolic.mapped import MappedLayer
from simulator.machines.systolic.plan import LayerPlan
from simulator.machines.systolic.schema import Systolic

_SIZES = frozenset({"array.rows", "array.columns", "array.dataflow"})
"""Keys that determine which PEs have work."""
_OF_PRODUCTS = frozenset({"array.pe.input_bits", "array.pe.weight_bits", "array.pe.dot_width"})
_IN_DRAM = frozenset(OTHER_UNIT) | {"memory.dram.timing"}


def why_no_effect(change: Change[MappedLayer]) -> str | None:
    """Return why a key leaves all cycles as they are, as a clause; None: no known reason.

    Args:
        change: the change of the key.

    """
    machine = change.after[0].mapping.hardware
    assert isinstance(machine, Systolic)
    plans = [
        mapped.plan
        for runs in (change.after, change.before)
        for run in runs
        for mapped in run.mapping.weighted
    ]
    return _idle(change.key, machine) or _special(change.key, plans)


def _idle(key: str, machine: Systolic) -> str | None:
    """Return a reason that follows from the hardware alone; None: no such reason."""
    section, _, last = key.rpartition(".")
    if key == "name":
        return "it is only a label"
    if key == "array.pe.accumulator_bits" and machine.array.dataflow == "output_stationary":
        return "sums stay in the PEs; their width affects energy, area and space, not time"
    if key in _IN_DRAM and machine.memory.ideal:
        return "transfers take no time with memory.ideal"
    if section == "memory.dram" and last in DRAM_TABLE_KEYS and machine.dram.timing == "fixed":
        return "it applies only with a DRAM table, and memory.dram.timing is fixed"
    if key == "decoder_entries" and machine.subbit_weights == "expanded":
        return "it applies only with a decoder, and subbit_weights is expanded"
    return None


def _special(key: str, plans: list[LayerPlan]) -> str | None:
    """Return a reason that follows from the plans alone; None: no such reason."""
    if key == "full_precision.bits" and not any(p.layer.full_precision for p in plans):
        return "the run has no full-precision layer"
    if key in _OF_PRODUCTS:
        return _products(key, plans)
    if key in {"subbit_weights", "decoder_entries"} and all(p.layer.tau is None for p in plans):
        return "the run has no sub-bit layer"
    if key == "decoder_entries":
        return "the subset of every layer fits in the decoder at both values"
    if key == "memory.transfer_steps" and all(plan.pieces == 1 for plan in plans):
        return "every fold has one piece at both values"
    return None


def _products(key: str, plans: list[LayerPlan]) -> str | None:
    """Return why no layer uses the XNORs, or no layer the multipliers, of a PE; None: some do."""
    binary = [bool(plan.gemm.binary_products) for plan in plans]
    if key == "array.pe.dot_width":
        return None if any(binary) else "no layer runs bit by bit"
    return "every layer runs bit by bit, not on the multipliers" if all(binary) else None


def idle_pes(change: Change[MappedLayer]) -> list[str]:
    """Name the layers in which most PEs are idle, if a change makes more of them idle."""
    if change.key not in _SIZES:
        return []
    now = change.after[0]
    plans, old = ([m.plan for m in run.mapping.weighted] for run in (now, change.before[0]))
    more = [idle_fraction(a) for a, b in zip(plans, old, strict=True) if _idler(a, b)]
    if not more:
        return []
    most = max(more)
    chosen = [plan.layer.name for plan in plans if idle_fraction(plan) == most]
    pes = now.mapping.pes
    layers = layers_phrase(chosen, [plan.layer.name for plan in plans])
    return [
        f"{round(most * pes):,} of {counted(pes, 'PE')} idle on average in {layers.text} because "
        "their matrices do not fill the folds"
    ]


def _idler(plan: LayerPlan, before: LayerPlan) -> bool:
    return idle_fraction(plan) > idle_fraction(before)


def idle_fraction(plan: LayerPlan) -> float:
    """Mean fraction of the PEs without work, over the steps of a layer."""
    slots = plan.strips * plan.strip_size * plan.places * plan.place_size
    return 1 - plan.strip_total * plan.place_total / slots
