"""The bits of a run's baseline: those that the user asks for, or the default of the machine."""

from simulator.base import arguments
from simulator.machines.families import family_named

NO_BASELINE = "none"
"""The value of `baseline_bits` that asks for no baseline."""

Asked = float | str | None
"""Bits per weight, or `NO_BASELINE`; None leaves the choice to the machine's family."""


def baseline_bits(asked: Asked, machine: str) -> float | None:
    """Return the bits per weight of the baseline; None means no baseline.

    Args:
        asked: the user's choice.
        machine: name of the hardware's family.

    Raises:
        InputError: neither a number nor `NO_BASELINE`.

    """
    if asked is None:
        return family_named(machine).baseline_bits
    if asked == NO_BASELINE:
        return None
    return arguments.number("baseline_bits", asked, f"1, or {NO_BASELINE!r}")
