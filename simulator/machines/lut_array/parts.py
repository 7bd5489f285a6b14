"""The cut of a layer's outputs, input units and kernels into parts that fit the array."""

from collections.abc import Sequence

import numpy as np

from simulator.base.columns import Ints


def parts(total: int, most: int, group: int = 1) -> tuple[int, ...]:
    """Sizes of the fewest parts that fit, as equal as whole groups allow; larger parts come first.

    From the first part on, each takes an equal fraction of the remaining items, rounded up to whole
    groups.

    Args:
        total: number of items.
        most: most items that fit in a part.
        group: items that belong together, if a part has space for all of them.

    """
    sizes: list[int] = []
    for count in range(-(-total // most), 0, -1):
        share = -(-total // (count * group)) * group
        sizes.append(min(share, most, total))
        total -= sizes[-1]
    return tuple(sizes)


def firsts(sizes: Sequence[int]) -> Ints:
    """[parts] number of the first item of each part."""
    return np.cumsum([0, *sizes[:-1]])
