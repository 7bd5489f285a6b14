"""The space of shortcut values: operands of the additions that are fused into a layer.

Slots in the input scratchpad hold the values of a transfer of results. Together, they take at most
as much space as a buffer for inputs; the buffers share the rest.
"""

from math import ceil

from msgspec import Struct

from simulator.base.errors import InputError
from simulator.machines.systolic.schema import Scratchpad
from simulator.machines.vector.vocabulary import SLOTS


class ShortcutSpace(Struct, frozen=True, kw_only=True):
    """The slots of a layer."""

    scratchpad: Scratchpad
    """The input scratchpad."""
    bits: tuple[int, ...]
    """Bits of the value that each addition reads for an output; (): no addition."""
    least: int
    """Outputs of the smallest possible transfer."""
    most: int
    """Outputs of the largest possible transfer."""

    def value_bytes(self, outputs: int) -> tuple[int, ...]:
        """Bytes of the values of some outputs, for each addition."""
        return tuple(ceil(outputs * bits / 8) for bits in self.bits)

    @property
    def size(self) -> int:
        """Bytes of all slots."""
        pad = self.scratchpad
        return min(self.size_of(self.most), pad.bytes // (pad.buffers + 1))

    def size_of(self, outputs: int) -> int:
        """Bytes of all slots if each has the values of some outputs."""
        return SLOTS * sum(self.value_bytes(outputs))

    @property
    def buffer_bits(self) -> int:
        """Bits of a buffer for inputs."""
        return 8 * ((self.scratchpad.bytes - self.size) // self.scratchpad.buffers)

    def scratchpad_bytes(self, bits: int) -> int:
        """Bytes of a scratchpad whose buffers for inputs have `bits` bits each."""
        buffer = ceil(bits / 8)
        return buffer * self.scratchpad.buffers + min(self.size_of(self.most), buffer)

    def outputs_of_a_slot(self, layer: str) -> int:
        """Return the most outputs whose values fit a slot.

        Args:
            layer: the layer's name, for the error.

        Raises:
            InputError: the values of the smallest transfer do not fit.

        """
        pad, needed = self.scratchpad, self.size_of(self.least)
        if needed > self.size:
            kib = ceil(needed * (pad.buffers + 1) / 10.24) / 100
            raise InputError(
                f"memory.input_scratchpad.kib is {pad.kib:g}: layer {layer} needs at least "
                f"{kib:g} KiB, {pad.buffers + 1} x the slots of its shortcut values"
            )
        each = self.size // SLOTS // len(self.bits)
        return min(8 * each // bits for bits in self.bits)
