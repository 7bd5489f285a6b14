"""The section `memory.dram` of a hardware file, whatever the machine."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.quantities import Count, Cycles, Rate


class Dram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Off-chip memory: one DMA channel each for weights, inputs and outputs.

    With a table (`timing`), the three DMA channels share the DRAM; see docs/dram.md.
    """

    latency_cycles: Cycles
    """Cycles from a read's request to its first byte; DRAM pipelines requests."""
    bytes_per_cycle: Rate
    """The rate of each of the three DMA channels."""
    burst_bytes: Count
    """Bytes per burst; a transfer moves whole bursts."""
    timing: Annotated[str, Meta(min_length=1)] = "fixed"
    """`fixed`: the three numbers above alone. Otherwise the name or path of a DRAM table."""
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
