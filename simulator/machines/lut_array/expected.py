"""Expected cycles of accumulates in a layer without indices, under the model of random reads."""

from functools import lru_cache
from math import ceil, comb
from operator import mul

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.banks import Bank
from simulator.machines.lut_array.parts import parts


@lru_cache(maxsize=4096)
def expected_accumulates(
    blocks: tuple[int, ...], group_units: tuple[int, ...], subset_size: int, bank: Bank
) -> Ints:
    """[output blocks, input blocks, passes] cycles of each accumulate of a layer without indices.

    The outputs of a block spread evenly over the subset: each pass has outputs in proportion to its
    entries.

    Args:
        blocks: outputs of each output block.
        group_units: units of each input block, in PEs of their own.
        subset_size: kernels in the layer's subset.
        bank: a bank of the LUT.

    """
    entries = parts(subset_size, bank.entries)
    upto = [0, *np.cumsum(entries).tolist()]
    reads = {b: np.diff([b * seen // subset_size for seen in upto]).tolist() for b in set(blocks)}
    passes = {
        (block, pes): [
            expected_accumulate(n, size, pes, bank)
            for n, size in zip(reads[block], entries, strict=True)
        ]
        for block in set(blocks)
        for pes in set(group_units)
    }
    table = np.array([[passes[block, pes] for pes in group_units] for block in blocks])
    table.flags.writeable = False
    return table


def expected_accumulate(reads: int, entries: int, pes: int, bank: Bank) -> int:
    """Cycles of an accumulate of `reads` uniformly random indices in each of `pes` PEs.

    The result is the expectation of the sum over bundles of the maximum over PEs, rounded up. It is
    exact up to floating point; the model does not sample it.
    """
    full, rest = divmod(reads, bank.accumulators)
    cycles = full * _expected_bundle(bank.accumulators, entries, pes, bank) if full else 0.0
    cycles += _expected_bundle(rest, entries, pes, bank) if rest else 0.0
    return ceil(cycles - 1e-9)


@lru_cache(maxsize=4096)
def _expected_bundle(reads: int, entries: int, pes: int, bank: Bank) -> float:
    """Expected cycles of the slowest of `pes` bundles: the sum over c >= 0 of 1 - F(c)^pes."""
    if bank.always_in_a_cycle:
        return 1.0
    expected, cycles = 1.0, 1  # no bundle takes 0 cycles
    while (within := share_within(cycles, reads, entries, bank)) < 1:
        expected += 1 - within**pes
        cycles += 1
    return expected


def share_within(cycles: int, reads: int, entries: int, bank: Bank) -> float:
    """F(c): probability that a bundle of uniformly random reads takes at most `cycles` cycles.

    A bundle of d distinct entries takes at most c cycles if d <= c x ports and no sub-bank has more
    than c of them. The coefficient of x^d in the product over sub-banks of
    sum over j <= c of C(entries of the sub-bank, j) x^j counts such sets of entries. For each set,
    `_surjections(reads)[d]` of the entries^reads bundles read exactly its entries.
    """
    most = min(reads, entries, cycles * bank.read_ports)
    sizes = [(entries - 1 - part) // bank.subbanks + 1 for part in range(bank.subbanks)]
    if cycles >= sizes[0]:  # no sub-bank has more entries: any d entries will do
        sets = [comb(entries, d) for d in range(most + 1)]
    else:
        sets = [1] + [0] * most
        for size in sizes:
            one = [comb(size, j) for j in range(min(cycles, size, most) + 1)]
            sets = [
                sum(sets[d - j] * one[j] for j in range(min(d, len(one) - 1) + 1))
                for d in range(most + 1)
            ]
    bundles = sum(map(mul, _surjections(reads), sets))
    return float(bundles / entries**reads)


@lru_cache(maxsize=64)
def _surjections(reads: int) -> tuple[int, ...]:
    """Number of bundles of `reads` reads that hit exactly d given entries, for d = 0 to `reads`."""
    ways = [1, *[0] * reads]
    for _ in range(reads):  # the last read repeats one of d entries, or has an entry of its own
        ways = [0, *(d * (ways[d] + ways[d - 1]) for d in range(1, reads + 1))]
    return tuple(ways)
