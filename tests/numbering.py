"""Numbers of units and kinds in the columns of traces and totals, by name.

Their order is that of the paper's array without a vector unit (a test).
"""

from enum import IntEnum, StrEnum

from simulator.machines.lut_array.vocabulary import WITHOUT_VECTOR_UNIT

CATEGORIES = WITHOUT_VECTOR_UNIT.categories


class Unit(IntEnum):
    """Number of each unit."""

    DRAM_WEIGHTS = 0
    DRAM_INPUTS = 1
    DRAM_OUTPUTS = 2
    INDEX_FETCH = 3
    DOT = 4
    ACCUMULATE = 5
    DRAIN = 6
    MAC = 7


class Kind(IntEnum):
    """Number of each kind of command."""

    FILL = 0
    DIRECT = 1
    MAC = 2
    ACCUMULATE = 3
    FETCH_INDICES = 4
    LOAD_WEIGHTS = 5
    READ_INPUTS = 6
    DRAIN = 7
    WRITE_OUTPUTS = 8


Part = StrEnum("Part", {category.name.upper(): category.name for category in CATEGORIES})
"""The array's categories under their names in attributions."""
PARTS = tuple(Part)
PART_TITLES = {category.name: category.title for category in CATEGORIES}
