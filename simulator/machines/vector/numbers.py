"""The numbers of a machine outside binary layers: fixed point, one power of two per map.

A value v is stored as the integer v * 2^exponent, rounded to nearest, halves up. Results beyond the
width saturate. A binary layer reads codes: signs at 1 bit, otherwise 0 to 2^bits - 1.
"""

from dataclasses import dataclass
from math import floor, frexp

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_MOST_EXPONENT = 50
"""ASSUMED: numbers below 2^-22 need no finer scale than 28 bits give them."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A map [images, channels, height, width] in fixed point."""

    values: Integers
    exponent: int
    """The stored integer of 1 is 2^exponent."""

    @property
    def real(self) -> NDArray[np.float64]:
        """The numbers that the integers represent; exact up to 2^53."""
        return np.ldexp(self.values.astype(np.float64), -self.exponent)


def rounded(values: Integers, shift: int) -> Integers:
    """Return values / 2^shift to the nearest integer, halves up; a negative shift multiplies."""
    if shift <= 0:
        return values << -shift
    return (values + (1 << (shift - 1))) >> shift


def saturated(values: Integers, bits: int) -> Integers:
    """Return values limited to plus and minus the largest number of a width."""
    most = largest_integer(bits)
    return values.clip(-most, most)


def largest_integer(bits: int) -> int:
    """The largest number of a width with a sign, 2^(bits - 1) - 1, but at least 1."""
    return max(1, (1 << (bits - 1)) - 1)


def exponent_for(largest: float, most: int) -> int:
    """The largest exponent at which numbers up to `largest` do not exceed the integer `most`."""
    if largest <= 0:
        return 0
    _, power = frexp(most / largest)  # most / largest is at least 2^(power - 1)
    return min(power - 1, _MOST_EXPONENT)


def stored(real: NDArray[np.floating], exponent: int) -> Integers:
    """Return real numbers as integers of a scale."""
    return np.floor(np.ldexp(real.astype(np.float64), exponent) + 0.5).astype(np.int64)


def moved(numbers: Numbers, exponent: int, bits: int) -> Numbers:
    """Return numbers at another scale and width."""
    values = saturated(rounded(numbers.values, numbers.exponent - exponent), bits)
    return Numbers(values, exponent)


def one(exponent: int) -> int:
    """The stored integer of 1."""
    return floor(2.0**exponent + 0.5)
