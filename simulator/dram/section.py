"""The section `memory.dram` of a hardware file, whatever the machine."""

from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct, structs

from simulator.base.errors import InputError
from simulator.base.quantities import (
    Count,
    Cycles,
    GigabytesPerSecond,
    Nanoseconds,
    Rate,
    exact,
    rate_of,
)


class Dram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Off-chip memory: one DMA channel each for weights, inputs and outputs.

    With a table (`timing`), the three DMA channels share the DRAM; see docs/dram.md. Latency and
    rate are each given in one of two units; in cycles, they follow the clock of the array.
    """

    latency_ns: Nanoseconds | None = None
    """Time from a read's request to its first byte; DRAM pipelines requests."""
    latency_cycles: Cycles | None = None
    """The same in cycles of the array."""
    gigabytes_per_second: GigabytesPerSecond | None = None
    """The rate of each of the three DMA channels."""
    bytes_per_cycle: Rate | None = None
    """The same in bytes per cycle of the array."""
    burst_bytes: Count
    """Bytes per burst; a transfer moves whole bursts."""
    timing: Annotated[str, Meta(min_length=1)] = "fixed"
    """`fixed`: the numbers above alone. Otherwise the name or path of a DRAM table."""
    channels: Count | None = None
    """Replaces the table's number. This key and the keys below have an effect only with a table."""
    ranks: Count | None = None
    """Ranks per channel; replaces the table's number."""
    mapping: str | None = None
    """Fields of an address from the highest to the lowest; replaces the table's order."""
    scheduler: Literal["first_ready", "in_order"] | None = None
    """The default is `first_ready` (FR-FCFS)."""
    page_policy: Literal["open", "closed"] | None = None
    """The default is `open`."""
    queue_depth: Count | None = None
    """Bursts in the queue of each channel's controller; the default is 16."""


IN_TIME = MappingProxyType(
    {
        "memory.dram.bytes_per_cycle": "memory.dram.gigabytes_per_second",
        "memory.dram.latency_cycles": "memory.dram.latency_ns",
    }
)
"""Keys in cycles, with the keys of the same quantities in time."""
OTHER_UNIT = MappingProxyType({**IN_TIME, **{time: cycles for cycles, time in IN_TIME.items()}})
"""Keys of one quantity in its two units; a file has one of them."""


class DmaChannel(NamedTuple):
    """The numbers of a DMA channel in cycles of the array."""

    bytes_per_cycle: Fraction
    latency_cycles: int


def dma_channel(dram: Dram, clock_ghz: float) -> DmaChannel:
    """Convert rate and latency to cycles of the array; a latency rounds up to whole cycles.

    Args:
        dram: the section of a hardware file.
        clock_ghz: the clock of the array.

    """
    clock = exact(clock_ghz)
    if dram.bytes_per_cycle is not None:
        rate = rate_of(dram.bytes_per_cycle)
    else:
        rate = rate_of(exact(dram.gigabytes_per_second or 0) / clock)
    if dram.latency_cycles is not None:
        return DmaChannel(rate, dram.latency_cycles)
    return DmaChannel(rate, ceil(exact(dram.latency_ns or 0) * clock))


def without_rates(dram: Dram) -> Dram:
    """Return the DRAM with a fixed rate and latency."""
    return structs.replace(
        dram, latency_ns=None, latency_cycles=0, gigabytes_per_second=None, bytes_per_cycle=1.0
    )


def require_one_unit(dram: Dram, source: str) -> None:
    """Raise an error unless latency and rate are given in exactly one unit each.

    Args:
        dram: the section of a hardware file.
        source: names the file in the error.

    Raises:
        InputError: both units of a quantity are given, or none.

    """
    for pair in IN_TIME.items():
        given = [key for key in pair if getattr(dram, key.rpartition(".")[2]) is not None]
        if len(given) != 1:
            state = f"both {pair[1]} and {pair[0]} are" if given else f"{pair[1]} is not"
            raise InputError(f"{source}: {state} given; give it, or {pair[0]}, alone")


DRAM_TABLE_KEYS = frozenset(
    {"channels", "ranks", "mapping", "scheduler", "page_policy", "queue_depth"}
)
"""Keys of `memory.dram` that have an effect only with a table."""


def refuse_idle(given: dict[str, Any], dram: Dram, source: str) -> None:
    """Raise an error if a file without a DRAM table sets a key that needs one.

    Args:
        given: plain data of the section, as in the file.
        dram: the checked section.
        source: names the file in the error.

    Raises:
        InputError: the file has such a key.

    """
    idle = sorted(DRAM_TABLE_KEYS & given.keys())
    if idle and dram.timing == "fixed":
        raise InputError(
            f"{source}: memory.dram.{idle[0]} has an effect only with a DRAM table, but "
            "memory.dram.timing is fixed"
        )


def why_not_fast(dram: Dram) -> str | None:
    """Return the reason why only the event engine can run this DRAM, as a clause, or None."""
    if dram.timing == "fixed":
        return None
    return (
        f"memory.dram.timing is {dram.timing}, and transfer times depend on the state of the DRAM"
    )
