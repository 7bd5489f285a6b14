"""The common part of all machines: a name, a clock, a DRAM, and linked keys."""

from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from simulator.base.quantities import Rate
from simulator.dram.section import Dram
from simulator.machines.links import Link

DEFAULT_MACHINE = "lut_array"
"""The family of a hardware file without the key `machine`."""


class Hardware(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole accelerator; each family adds its sections. Frozen, because results contain it."""

    machine: str = DEFAULT_MACHINE
    """The machine family."""
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    clock_ghz: Rate
    links: tuple[Link, ...] = ()
    """Keys whose values follow from other keys; fields hold the numbers. Not a key of a file."""

    @property
    def pes(self) -> int:
        """The number of PEs of the array."""
        raise NotImplementedError  # each family has its own; a structure cannot be abstract

    @property
    def dram(self) -> Dram:
        """The DRAM and its DMA channels."""
        raise NotImplementedError  # each family has its own; a structure cannot be abstract


def value_of(hardware: Hardware, key: str) -> object:
    """Return the value of a dotted key, for example `"array.pes"`."""
    value: object = hardware
    for part in key.split("."):
        value = getattr(value, part)
    return value


def with_numbers(hardware: Hardware) -> dict[str, Any]:
    """Return the plain data of hardware, with a number at each linked key."""
    data: dict[str, Any] = to_builtins(hardware)
    del data["links"]
    return data
