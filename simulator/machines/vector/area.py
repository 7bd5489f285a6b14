"""Area of the vector unit in gate equivalents; docs/vector.md."""

from fractions import Fraction

from simulator.machines.cells import FLIP_FLOP, FULL_ADDER
from simulator.machines.vector.schema import Vector

_REGISTERS = 3
"""Registers of a lane: two operands and the result."""


def vector_area(vector: Vector) -> Fraction:
    """Gate equivalents of all lanes: a multiplier, an adder that also compares, and registers."""
    multiplier = vector.bits * vector.bits * FULL_ADDER
    adder = vector.bits * FULL_ADDER
    return vector.lanes * (multiplier + adder + _REGISTERS * vector.bits * FLIP_FLOP)
