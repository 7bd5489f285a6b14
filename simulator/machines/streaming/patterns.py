"""Patterns of reads and writes of the units that move words.

Every function returns the iterations of an image, as runs of equal lists of turns.
"""

from simulator.machines.streaming.turns import Turn, Turns, both, reads, turns, writes
from simulator.program import Runs
from simulator.workload.sides import Sides


def every_word(words: int) -> Turns:
    """Read and write a word in every iteration."""
    return turns((1, (both(words),)))


def window_turns(
    *, fill: int, rows: int, row_writes: int, row_reads: int, reads_after: int
) -> Turns:
    """Return the pattern of the sliding-window unit.

    It fills its buffer, then writes the windows of one output row after another. Meanwhile it reads
    the rows that the next output row needs. Iterations of the window part are numbered in periods
    of one less than a row, and each period reads one word less than a row, as in the operator's
    source (finn-hlslib, slidingwindow.h, lines 123 to 174). It reads no word of the next image
    before it has written the last window.

    Args:
        fill: words of the rows that the first window needs.
        rows: output rows.
        row_writes: words of the windows of an output row.
        row_reads: words of the rows that the next output row needs.
        reads_after: words of the image after the fill.

    """
    head = (1, (reads(fill),))
    if row_reads > row_writes:  # the source has no such case
        full = min(reads_after // row_reads, rows)
        row = (both(row_writes), reads(row_reads - row_writes))
        rest = reads_after - full * row_reads
        return turns(head, (full, row), (rows - full, (writes(row_writes),)), (1, (reads(rest),)))
    words, period, each = rows * row_writes, max(row_writes - 1, 1), max(row_reads - 1, 1)
    full = min(reads_after // each, words // period)
    left = words - full * period
    rest = min(reads_after - full * each, left)
    return turns(
        head,
        (full, (both(each), writes(period - each))),
        (1, (both(rest), writes(left - rest))),
        (1, (reads(reads_after - full * each - rest),)),
    )


def pad_turns(*, size: Sides, before: Sides, after: Sides, words: int) -> Turns:
    """Return the pattern of a unit that writes a map with zeros around it.

    Args:
        size: rows and columns of the map.
        before: rows above it and columns at its left.
        after: rows below it and columns at its right.
        words: words of a pixel.

    """
    width = (before.width + size.width + after.width) * words
    row = (writes(before.width * words), both(size.width * words), writes(after.width * words))
    return turns(
        (1, (writes(before.height * width),)),
        (size.height, row),
        (1, (writes(after.height * width),)),
    )


def sample_turns(*, size: Sides, strides: Sides, out: Sides, words: int) -> Turns:
    """Return the pattern of a unit that passes on every n-th pixel of every n-th row.

    Args:
        size: rows and columns of the map that it reads.
        strides: steps between the pixels that it passes on.
        out: rows and columns of the map that it writes.
        words: words of a pixel.

    """
    right = strides.width - 1
    row = [both(words), reads(right * words)] * (out.width - 1) + [both(words)]
    rest = size.width - ((out.width - 1) * strides.width + 1)
    below = (strides.height - 1) * size.width * words
    end = (size.height - ((out.height - 1) * strides.height + 1)) * size.width * words
    return turns(
        (out.height - 1, (*row, reads(rest * words + below))),
        (1, (*row, reads(rest * words + end))),
    )


def block_pool_turns(*, window: Sides, size: Sides, words: int) -> Turns:
    """Return the pattern of pooling over blocks: the rows of the blocks, then their results.

    It does not read while it writes (finn-hlslib, maxpool.h, lines 62 to 92).
    """
    row = (reads(window.height * size.width * words), writes(size.width // window.width * words))
    return turns((size.height // window.height, row))


def window_pool_turns(*, pixels: int, taps: int, words: int) -> Turns:
    """Return the pattern of pooling over the windows of a sliding-window unit."""
    return turns((pixels * words, (reads(taps - 1), both(1))))


def map_pool_turns(*, pixels: int, words: int) -> Turns:
    """Return the pattern of pooling over a whole map: all words, then the results."""
    return turns((1, (reads(pixels * words), writes(words))))


def shuffle_turns(*, pixels: int, words: int) -> Turns:
    """Return the pattern of a unit that keeps a pixel, then writes it."""
    return turns((pixels, (reads(words), writes(words))))


def convert_turns(*, packets: int, packet_bits: int, source: int, target: int) -> Turns:
    """Return the pattern of a converter between words of two widths.

    Args:
        packets: packets per image; every packet begins with a new word.
        packet_bits: bits of a packet.
        source: bits of a word that it reads.
        target: bits of a word that it writes.

    """
    read, wrote = 0, 0
    words_in, words_out = -(-packet_bits // source), -(-packet_bits // target)
    steps: list[tuple[bool, bool]] = []
    while wrote < words_out or read < words_in:
        needed = -(-min((wrote + 1) * target, packet_bits) // source)
        taking = read < min(needed, words_in) if wrote < words_out else read < words_in
        giving = wrote < words_out and read + taking >= needed
        read, wrote = read + taking, wrote + giving
        steps.append((taking, giving))
    packet = tuple(Turn(often, *step) for often, step in Runs.of(steps))
    return turns((packets, packet))
