"""Rates of the hardware file as exact fractions."""

from fractions import Fraction


def rate_of(bytes_per_cycle: float) -> Fraction:
    """Bytes per cycle of a DMA unit or a buffer, rounded to 1/1,000,000 at the finest."""
    exact = Fraction(bytes_per_cycle).limit_denominator(1_000_000)
    return exact or Fraction(1, 1_000_000)
