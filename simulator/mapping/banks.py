"""What one bank of the table delivers in a cycle, and how long real or random indices take.

The accumulators of a PE take the outputs of a pass in order, up to `accumulators` at a time: a
*bunch*. Accumulators of one bunch that want the same entry share its read. With the bank's
restrictions a bunch takes

    max(ceil(distinct entries / read ports), max over sub-banks of the sub-bank's distinct entries)

cycles, which is the shortest possible: reads of one sub-bank follow each other, and reads of
different sub-banks can always be spread so that no cycle has more than the ports allow
(McNaughton's wrap-around rule, 1959). PEs run in lock-step: the k-th bunch takes as long as in the
PE in which it takes longest.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, comb

import numpy as np

from simulator.hardware import Hardware
from simulator.program import Ints
from simulator.workload.kernels import KernelSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """One bank of a PE's table, as the accumulators see it."""

    entries: int
    accumulators: int
    read_ports: int
    """Entries read per cycle, at most `accumulators`."""
    subbanks: int
    """Single-ported parts; entry e lies in part e % subbanks; `entries` parts restrict nothing."""

    @property
    def always_in_a_cycle(self) -> bool:
        """No bunch ever takes more than a cycle."""
        return self.read_ports >= self.accumulators and self.subbanks >= self.entries


def bank_of(hardware: Hardware) -> Bank:
    """The bank that a hardware file describes."""
    pe = hardware.array.pe
    ports = pe.accumulators if pe.lut_read_ports == "accumulators" else pe.lut_read_ports
    subbanks = pe.lut_entries if pe.lut_subbanks == "none" else pe.lut_subbanks
    return Bank(
        entries=pe.lut_entries,
        accumulators=pe.accumulators,
        read_ports=min(ports, pe.accumulators),
        subbanks=min(subbanks, pe.lut_entries),
    )


# --- real indices --------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def accumulates_of(
    kernels: KernelSet, blocks: tuple[int, ...], group_size: int, bank: Bank
) -> Ints:
    """[blocks, groups, passes] cycles of each accumulate with these indices.

    Args:
        kernels: indices [outputs, units].
        blocks: outputs of each block; they add up to the layer's.
        group_size: units, in PEs of their own, that a step works on; the last group may be smaller.
        bank: of the table.

    """
    units = kernels.indices.shape[1]
    passes = -(-len(kernels.subset) // bank.entries)
    block = np.repeat(np.arange(len(blocks)), blocks)
    index = kernels.indices.T.astype(np.int64)  # [units, outputs]: a PE's indices in order of time
    queue = (np.arange(units)[:, None] * len(blocks) + block) * passes + index // bank.entries
    queues = units * len(blocks) * passes
    if bank.always_in_a_cycle:
        bunches = -(-np.bincount(queue.ravel(), minlength=queues) // bank.accumulators)
    else:
        bunches = _bunch_cycles(queue.ravel(), index.ravel() % bank.entries, queues, bank)
    per_unit = bunches.reshape(units, len(blocks), passes, -1)
    slowest = np.maximum.reduceat(per_unit, np.arange(0, units, group_size), axis=0)
    table = np.ascontiguousarray(slowest.sum(axis=-1).transpose(1, 0, 2))
    table.flags.writeable = False
    return table


def _bunch_cycles(queue: Ints, entry: Ints, queues: int, bank: Bank) -> Ints:
    """[queues, most bunches] cycles of every bunch of every queue; 0 behind a queue's last one.

    Args:
        queue: [N] the queue that each read is in; reads of a queue stand in order of time.
        entry: [N] the entry that it reads.
        queues: how many there are.
        bank: of the table.

    """
    counts = np.bincount(queue, minlength=queues)
    order = np.argsort(queue, kind="stable")
    rank = np.arange(len(queue)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = -(-int(counts.max()) // bank.accumulators)
    bunch = queue[order] * most + rank // bank.accumulators
    # sorted by bunch, sub-bank and entry, equal reads stand together: the first of them is served
    entry = entry[order]
    where = bunch * bank.subbanks + entry % bank.subbanks
    reads = np.unique(where * bank.entries + entry)
    where, loads = np.unique(reads // bank.entries, return_counts=True)
    cycles = np.zeros(queues * most, dtype=np.int64)
    np.maximum.at(cycles, where // bank.subbanks, loads)
    distinct = np.bincount(where // bank.subbanks, weights=loads, minlength=queues * most)
    by_ports = -(-distinct.astype(np.int64) // bank.read_ports)
    return np.maximum(cycles, by_ports).reshape(queues, most)


# --- indices taken as uniformly random -----------------------------------------------------------


@lru_cache(maxsize=4096)
def expected_accumulate(reads: int, entries: int, pes: int, bank: Bank) -> int:
    """Cycles of an accumulate of `reads` uniformly random indices in each of `pes` PEs.

    The expectation of the sum over bunches of the maximum over PEs, rounded up; it is exact up to
    floating point, nothing is sampled.
    """
    full, rest = divmod(reads, bank.accumulators)
    cycles = full * _expected_bunch(bank.accumulators, entries, pes, bank) if full else 0.0
    cycles += _expected_bunch(rest, entries, pes, bank) if rest else 0.0
    return ceil(cycles - 1e-9)


@lru_cache(maxsize=4096)
def _expected_bunch(reads: int, entries: int, pes: int, bank: Bank) -> float:
    """Expected cycles of the slowest of `pes` bunches: the sum over c >= 0 of 1 - F(c)^pes."""
    if bank.always_in_a_cycle:
        return 1.0
    expected, cycles = 1.0, 1  # no bunch takes 0 cycles
    while (within := share_within(cycles, reads, entries, bank)) < 1:
        expected += 1 - within**pes
        cycles += 1
    return expected


def share_within(cycles: int, reads: int, entries: int, bank: Bank) -> float:
    """F(c): probability that a bunch of uniformly random reads takes at most `cycles` cycles.

    A bunch takes at most c cycles if its d distinct entries are at most c x ports, and at most c
    of them lie in any sub-bank. The coefficient of x^d in the product over sub-banks of
    sum over j <= c of C(entries of the sub-bank, j) x^j counts such sets of entries, and each is
    what `surjections(reads, d)` of the entries^reads bunches read.
    """
    most = min(reads, entries, cycles * bank.read_ports)
    sets = [1] + [0] * most
    for number in range(min(bank.subbanks, entries)):
        size = (entries - 1 - number) // bank.subbanks + 1
        one = [comb(size, chosen) for chosen in range(min(cycles, size, most) + 1)]
        sets = [
            sum(sets[total - j] * one[j] for j in range(min(total, len(one) - 1) + 1))
            for total in range(most + 1)
        ]
    bunches = sum(_surjections(reads, d) * sets[d] for d in range(most + 1))
    return float(Fraction(bunches, entries**reads))


@lru_cache(maxsize=4096)
def _surjections(reads: int, distinct: int) -> int:
    """Bunches of `reads` reads in which exactly these `distinct` entries occur."""
    return sum(
        (-1) ** left * comb(distinct, left) * (distinct - left) ** reads
        for left in range(distinct + 1)
    )
