"""Cycles of a layer in closed form, for tests of the engines; it shares no code with the units."""

from simulator.machines.lut_array.plan import LayerPlan


def expected_cycles(plan: LayerPlan) -> int | None:
    """Return the cycles of a layer that runs alone on memory that is never waited for.

    Every transfer then takes a cycle. Inputs arrive in cycle 1. Indices arrive in cycle 1 and are
    in the registers in cycle 2. Steps follow each other without a gap, the last drain follows the
    last step, and its write takes a cycle:

        LUT:     1 + F + (S - 1) x max(F, A) + A + D + 1; with a single bank, F + A instead of max
        direct:  2 + S x A + D + 1

    S is the number of steps, F the cycles of a fill, A those of an accumulate or of a direct step,
    and D those of a drain.

    Returns:
        None if the form does not cover the layer: a layer in full precision, several output blocks
        or LUT passes, window reads longer than the dot products, or a register set that steps of
        several input blocks share.

    """
    pe = plan.hardware.array.pe
    several = len(plan.group_units) > 1
    if plan.mode == "mac" or len(plan.blocks) > 1 or (several and pe.index_register_sets == 1):
        return None
    (block,) = plan.blocks
    steps, drain = plan.pixel_steps * len(plan.group_units), plan.drain_cycles(block)
    if int(plan.step_words.max()) > int(plan.step_dots[0]):
        return None
    if plan.mode == "direct":
        return 2 + steps * plan.direct_cycles(block) + drain + 1
    accumulates = set(plan.accumulate_table.ravel().tolist())
    if len(plan.pass_entries) > 1 or len(accumulates) > 1:
        return None
    (fill,), (accumulate,) = plan.pass_fill_cycles(), accumulates
    between = fill + accumulate if pe.lut_banks == 1 else max(fill, accumulate)
    return 1 + fill + (steps - 1) * between + accumulate + drain + 1
