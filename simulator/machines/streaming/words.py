"""Words of a stream: integers whose bits hold values, the first value in the lowest bits.

At 1 bit, 0 stands for -1. Values of more bits are codes, without a sign, or two's complement.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator.base.columns import Ints

Word = int | None
"""None: a word of padding. ASSUMED: an extra bit marks it, because a zero at 1 bit is neither
-1 nor +1, and a maximum leaves padding out."""


class Format(NamedTuple):
    """The format of the values in words."""

    bits: int
    """Bits of a value."""
    codes: bool
    """True for codes: -1 and +1 at 1 bit, otherwise 0 to 2^bits - 1."""

    def packed(self, values: Ints) -> int:
        """Return some values as a word."""
        stored = values > 0 if self.bits == 1 else values
        digits = np.asarray(stored, dtype=np.int64)[:, None] >> np.arange(self.bits) & 1
        return int.from_bytes(
            np.packbits(digits.astype(np.uint8), bitorder="little").tobytes(), "little"
        )

    def unpacked(self, words: Sequence[Word], lanes: int) -> Ints:
        """[words, lanes] the first values of words; those of padding are 0."""
        size = -(-lanes * self.bits // 8)
        mask = (1 << lanes * self.bits) - 1
        data = b"".join(((word or 0) & mask).to_bytes(size, "little") for word in words)
        bytes_ = np.frombuffer(data, np.uint8).reshape(len(words), size)
        digits = np.unpackbits(bytes_, axis=1, count=lanes * self.bits, bitorder="little")
        values: Ints = digits.reshape(len(words), lanes, self.bits) @ (1 << np.arange(self.bits))
        if self.bits == 1:
            values = 2 * values - 1
        elif not self.codes:
            values -= (values >> self.bits - 1) << self.bits
        values[[place for place, word in enumerate(words) if word is None]] = 0
        return values
