"""Cells for estimates of area, in gate equivalents (GE, one 2-input NAND).

Sizes are from the NanGate 45 nm Open Cell Library, divided by its NAND2_X1 (0.798 um2): XNOR2_X1
1.596, FA_X1 4.256, DFF_X1 4.522, MUX2_X1 1.862 um2.
"""

from fractions import Fraction

XNOR = Fraction(2)
FULL_ADDER = Fraction(16, 3)
FLIP_FLOP = Fraction(17, 3)
MUX = Fraction(7, 3)
STORAGE_BIT = FLIP_FLOP + MUX
"""A flip-flop that keeps its value until a write, as in the synthesis of `rtl/pe.sv`."""
SRAM_BIT = Fraction(62, 100)
"""A 6T cell of 0.346 um2 (K. Mistry et al., IEDM 2007); ASSUMED: cells fill 70 % of a macro.
Decoders, word line drivers and timing fill the rest."""
SRAM_WIDTH, SRAM_HEIGHT = Fraction(26, 5), Fraction(13, 5)
"""The 6T cell in wire tracks of 0.16 um, the pitch of metal 2 in the same paper: 5.2 x 2.6 x
0.0256 um2 = 0.346 um2; ASSUMED: twice as wide as high, as usual for thin cells."""
SRAM_PORT_BIT = 2 * FLIP_FLOP
"""One bit of a bank's port: the output flip-flop, a sense amplifier and a write driver. ASSUMED:
amplifier and driver, about 20 transistors, are as large as a flip-flop of 24 transistors."""


def sram_bit(ports: int) -> Fraction:
    """Return the gate equivalents of a bit of an SRAM with `ports` ports.

    Every further port adds a word line to the height and a bit line to the width of a cell. Each
    takes one track (S. Rixner et al., "Register organization for media processing", HPCA 2000).
    """
    more = ports - 1
    cell = (SRAM_WIDTH + more) * (SRAM_HEIGHT + more)
    return SRAM_BIT * cell / (SRAM_WIDTH * SRAM_HEIGHT)
