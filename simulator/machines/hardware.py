"""The common part of all machines: a name, a clock, a DRAM, and linked keys."""

from typing import Annotated, Any

from msgspec import Meta, Struct, to_builtins

from simulator.base.quantities import Gigahertz, exact
from simulator.base.wording import listed
from simulator.dram.section import IN_TIME, OTHER_UNIT, DmaChannel, Dram, dma_channel
from simulator.machines.links import Link
from simulator.machines.vector.schema import Vector

DEFAULT_MACHINE = "lut_array"
"""The family of a hardware file without the key `machine`."""


class Hardware(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole accelerator; each family adds its sections. Frozen, because results contain it."""

    machine: str = DEFAULT_MACHINE
    """The machine family."""
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    clock_ghz: Gigahertz
    vector: Vector | None = None
    """The vector unit; None: the machine has none."""
    links: tuple[Link, ...] = ()
    """Keys whose values follow from other keys; fields hold the numbers. Not a key of a file."""

    @property
    def pes(self) -> int | None:
        """The number of PEs of the array; None if the network decides it (`Mapping.pes`)."""
        raise NotImplementedError  # each family has its own; a structure cannot be abstract

    @property
    def dram(self) -> Dram:
        """The DRAM and its DMA channels."""
        raise NotImplementedError  # each family has its own; a structure cannot be abstract

    @property
    def dma_channel(self) -> DmaChannel:
        """Rate and latency of each DMA channel in cycles of the array."""
        return dma_channel(self.dram, self.clock_ghz)

    @property
    def dram_has_fixed_timing(self) -> bool:
        """True if rate and latency alone decide how long transfers take."""
        return self.dram.timing == "fixed"


def value_of(hardware: Hardware, key: str) -> object:
    """Return the value of a dotted key, for example `"array.pes"`.

    A rate or latency of the DRAM also has a value in the unit that its file does not use. A key of
    a section that the file leaves out has the value None.
    """
    value: object = hardware
    for part in key.split("."):
        value = None if value is None else getattr(value, part)
    return _in_unit(hardware, key) if value is None and key in OTHER_UNIT else value


def _in_unit(hardware: Hardware, key: str) -> float:
    """Return the DRAM's rate or latency in the unit of a key, at the hardware's clock."""
    channel, clock = hardware.dma_channel, exact(hardware.clock_ghz)
    return {
        "latency_cycles": channel.latency_cycles,
        "latency_ns": float(channel.latency_cycles / clock),
        "bytes_per_cycle": float(channel.bytes_per_cycle),
        "gigabytes_per_second": float(channel.bytes_per_cycle * clock),
    }[key.rpartition(".")[2]]


def dram_at_clocks(before: Hardware, after: Hardware) -> str | None:
    """Return how a change of the clock affects a fixed DRAM, as a clause.

    Returns:
        For example `memory.dram keeps 16 GB/s and 100 ns`; None if the clock is the same, or if a
        DRAM table decides the time of transfers.

    """
    if before.clock_ghz == after.clock_ghz or not after.dram_has_fixed_timing:
        return None
    keeps, goes, in_cycles = [], [], False
    for cycles, time in IN_TIME.items():
        was, now = (f"{value_of(hardware, time):.4g}" for hardware in (before, after))
        unit = "ns" if time.endswith("_ns") else "GB/s"
        in_cycles |= getattr(after.dram, cycles.rpartition(".")[2]) is not None
        if was == now:
            keeps.append(f"{now} {unit}")
        else:
            goes.append(f"from {was} to {now} {unit}")
    phrases = [f"keeps {listed(keeps)}"] if keeps else []
    phrases += [f"goes {listed(goes)}"] if goes else []
    because = ", because it is given in cycles of the array" if in_cycles else ""
    return f"memory.dram {listed(phrases)}{because}"


def with_numbers(hardware: Hardware) -> dict[str, Any]:
    """Return the plain data of hardware, with a number at each linked key."""
    data: dict[str, Any] = to_builtins(hardware)
    del data["links"]
    return data
