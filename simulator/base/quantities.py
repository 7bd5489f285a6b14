"""Types of the numbers in user files, with their allowed ranges."""

from fractions import Fraction
from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Cycles = Annotated[int, Meta(ge=0, le=1 << 30)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]
Gigahertz = Annotated[float, Meta(ge=0.001, le=100)]
"""A clock from 1 MHz to 100 GHz; a value in MHz by mistake is outside."""
GigabytesPerSecond = Annotated[float, Meta(ge=1e-6, le=1e6)]
"""10^9 bytes per second."""
Nanoseconds = Annotated[float, Meta(ge=0, le=1e7)]

_FINEST = 1_000_000
"""The largest denominator of a rate in bytes per cycle."""


def exact(value: float) -> Fraction:
    """Return a number as its decimal digits show it: 0.1 is a tenth."""
    return Fraction(repr(value))


def rate_of(bytes_per_cycle: float | Fraction) -> Fraction:
    """Return a rate as the nearest fraction with a denominator of at most 1,000,000, above 0."""
    return Fraction(bytes_per_cycle).limit_denominator(_FINEST) or Fraction(1, _FINEST)
