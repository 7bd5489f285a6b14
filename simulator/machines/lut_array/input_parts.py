"""The input blocks of a layer: its input units in parts, and the cut of large full-precision tiles.

If the weights of an output block and an input block do not fit in the index buffer, a
full-precision layer is cut further: into fewer input channels, or, if not even one channel fits,
into kernel rows of single channels. Partial sums stay in the MAC unit.
"""

from typing import NamedTuple

from simulator.machines.lut_array.parts import parts

_PAIR = 2
"""Input units that stay together. ASSUMED: the paper's array fetches 160 bytes in a cycle. They are
the indices of two units for 128 outputs at tau = 5; one unit alone would lose half a cycle."""


class InputPart(NamedTuple):
    """Input units of an input block, and the part of their kernels."""

    first: int
    """First input unit."""
    units: int
    taps: int
    """Kernel positions of each unit; fewer than the kernel's if its rows are cut."""


class Weights(NamedTuple):
    """The largest weight tile of a full-precision layer, and the space for it."""

    outputs: int
    """Outputs of the largest output block."""
    rows: int
    """Kernel rows."""
    columns: int
    """Kernel columns."""
    bits: int
    """Bits of a weight."""
    space: int
    """Bytes of the index buffer."""

    def channels(self, rows: int) -> int:
        """Most input channels whose weights of some kernel rows fit."""
        return 8 * self.space // (self.outputs * rows * self.columns * self.bits)


def in_units(units: int, most: int, taps: int) -> tuple[InputPart, ...]:
    """Cut input units into the fewest parts of at most `most` units, in whole pairs."""
    found, first = [], 0
    for size in parts(units, most, _PAIR):
        found.append(InputPart(first, size, taps))
        first += size
    return tuple(found)


def is_cut(channels: int, most: int, weights: Weights) -> bool:
    """True if parts of up to `most` channels do not all fit in the index buffer."""
    return max(parts(channels, most, _PAIR)) > weights.channels(weights.rows)


def cut(channels: int, weights: Weights) -> tuple[InputPart, ...]:
    """Cut the channels into the fewest parts that fit, or kernels into the fewest rows that fit.

    A part is at least a kernel row of a channel; it may not fit.
    """
    fitting = weights.channels(weights.rows)
    if fitting > 0:
        return in_units(channels, fitting, weights.rows * weights.columns)
    most = next((n for n in range(weights.rows, 0, -1) if weights.channels(n)), 1)
    sizes = parts(weights.rows, most)
    return tuple(
        InputPart(channel, 1, rows * weights.columns)
        for channel in range(channels)
        for rows in sizes
    )
