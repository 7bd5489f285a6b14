"""Canonical Huffman codes for index streams, and the bits of every index.

Each layer has one code, from the histogram of its indices. The lengths alone define a canonical
code. DRAM stores them with the layer, `LENGTH_BITS` per symbol, as in DEFLATE (RFC 1951, 3.2.2).
"""

import heapq
from functools import lru_cache

import numpy as np

from simulator.base.columns import Ints
from simulator.machines.lut_array.parts import firsts
from simulator.workload.kernels import KernelSet

LENGTH_BITS = 4
"""Stored bits per code length; 0 marks a symbol that does not occur."""
MAX_LENGTH = (1 << LENGTH_BITS) - 1
"""Bits of the longest code word."""


def code_lengths(histogram: Ints) -> Ints:
    """[symbols] bits of every symbol's code word; 0 for a symbol that does not occur.

    A single symbol takes one bit. If a word would be longer than `MAX_LENGTH`, the function halves
    all counts, rounding up, until no word is. The code is then a little longer than Huffman's. At
    most 2^MAX_LENGTH symbols may occur.
    """
    counts = np.asarray(histogram, dtype=np.int64)
    lengths = _huffman(counts)
    while lengths.max(initial=0) > MAX_LENGTH:
        counts = -(-counts // 2)
        lengths = _huffman(counts)
    return lengths


def _huffman(counts: Ints) -> Ints:
    """[symbols] lengths of a Huffman code; equal counts join in a defined order."""
    used = np.flatnonzero(counts)
    lengths = np.zeros(len(counts), dtype=np.int64)
    if len(used) == 1:
        lengths[used] = 1
        return lengths
    heap = [(int(counts[symbol]), number) for number, symbol in enumerate(used)]
    heapq.heapify(heap)
    parent: dict[int, int] = {}
    for joined in range(len(used), 2 * len(used) - 1):
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        parent[one[1]] = parent[other[1]] = joined
        heapq.heappush(heap, (one[0] + other[0], joined))
    depth = {2 * len(used) - 2: 0}
    for node in range(2 * len(used) - 3, -1, -1):
        depth[node] = depth[parent[node]] + 1
    lengths[used] = [depth[number] for number in range(len(used))]
    return lengths


def canonical_code(lengths: Ints) -> list[tuple[int, int]]:
    """(bits, length) of every symbol's code word; words count up by length, then by symbol."""
    words, word, before = [(0, 0)] * len(lengths), 0, 0
    for symbol in sorted(np.flatnonzero(lengths), key=lambda symbol: (lengths[symbol], symbol)):
        length = int(lengths[symbol])
        word <<= length - before
        words[symbol] = (word, length)
        word, before = word + 1, length
    return words


@lru_cache(maxsize=1024)
def stream_bits(
    kernels: KernelSet, blocks: tuple[int, ...], group_units: tuple[int, ...], ids: bool
) -> Ints:
    """[output blocks, input blocks] bits of every weight tile in the Huffman code.

    Args:
        kernels: indices [outputs, units].
        blocks: outputs of each output block.
        group_units: units of each input block.
        ids: true if symbols are kernel ids (a 1-bit layer has no subset), not indices.

    """
    symbols = kernels.subset[kernels.indices] if ids else kernels.indices
    bits = code_lengths(np.bincount(symbols.ravel()))[symbols]
    by_block = np.add.reduceat(bits, firsts(blocks), axis=0)
    table: Ints = np.add.reduceat(by_block, firsts(group_units), axis=1)
    table.flags.writeable = False
    return table
