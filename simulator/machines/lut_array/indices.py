"""Cycles of accumulates with the indices of a network."""

from functools import lru_cache

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.banks import Bank
from simulator.machines.lut_array.parts import firsts, parts
from simulator.workload.kernels import KernelSet


@lru_cache(maxsize=1024)
def accumulates_of(
    kernels: KernelSet, blocks: tuple[int, ...], group_units: tuple[int, ...], bank: Bank
) -> Ints:
    """[output blocks, input blocks, passes] cycles of each accumulate with these indices.

    Args:
        kernels: indices [outputs, units].
        blocks: outputs of each output block; they add up to the layer's outputs.
        group_units: units of each input block, in PEs of their own, that a step works on.
        bank: a bank of the LUT.

    """
    units = kernels.indices.shape[1]
    entries = parts(len(kernels.subset), bank.entries)
    passes, first = len(entries), firsts(entries)
    block = np.repeat(np.arange(len(blocks)), blocks)
    index = kernels.indices.T.astype(np.int64)  # [units, outputs]: a PE's indices in order of time
    in_pass = np.repeat(np.arange(passes), entries)[index]
    queue = (np.arange(units)[:, None] * len(blocks) + block) * passes + in_pass
    queues = units * len(blocks) * passes
    if bank.always_in_a_cycle:
        bundles = -(-np.bincount(queue.ravel(), minlength=queues) // bank.accumulators)
    else:
        bundles = _bundle_cycles(queue.ravel(), (index - first[in_pass]).ravel(), queues, bank)
    per_unit = bundles.reshape(units, len(blocks), passes, -1)
    slowest = np.maximum.reduceat(per_unit, firsts(group_units), axis=0)
    table = np.ascontiguousarray(slowest.sum(axis=-1).transpose(1, 0, 2))
    table.flags.writeable = False
    return table


def _bundle_cycles(queue: Ints, entry: Ints, queues: int, bank: Bank) -> Ints:
    """[queues, most bundles] cycles of every bundle of every queue; 0 past a queue's last bundle.

    Args:
        queue: [N] the queue of each read; reads of a queue are in order of time.
        entry: [N] the entry that each read needs.
        queues: the number of queues.
        bank: a bank of the LUT.

    """
    counts = np.bincount(queue, minlength=queues)
    order = np.argsort(queue, kind="stable")
    rank = np.arange(len(queue)) - np.repeat(np.cumsum(counts) - counts, counts)
    most = -(-int(counts.max()) // bank.accumulators)
    bundle = queue[order] * most + rank // bank.accumulators
    # Sorted by bundle, sub-bank and entry, equal reads are adjacent: the bank serves the first.
    entry = entry[order]
    reads = np.sort((bundle * bank.subbanks + entry % bank.subbanks) * bank.entries + entry)
    served = reads[np.diff(reads, prepend=-1) != 0] // bank.entries
    firsts = np.flatnonzero(np.diff(served, prepend=-1))
    loads = np.diff(firsts, append=len(served))
    bundle = served[firsts] // bank.subbanks
    cycles = np.zeros(queues * most, dtype=np.int64)
    np.maximum.at(cycles, bundle, loads)
    distinct = np.bincount(bundle, weights=loads, minlength=queues * most)
    by_ports = -(-distinct.astype(np.int64) // bank.read_ports)
    return np.maximum(cycles, by_ports).reshape(queues, most)
