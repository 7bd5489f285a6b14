"""The section `memory.dram` of a hardware file, whatever the machine."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.quantities import Count, Cycles, Rate


class Dram(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Off-chip memory: one DMA channel each for weights, inputs and outputs.

    With a table (`timing`), the three channels share the DRAM behind them; docs/dram.md.
    """

    latency_cycles: Cycles
    """From a read's request to its first byte; requests are pipelined."""
    bytes_per_cycle: Rate
    """Of each of the three channels."""
    burst_bytes: Count
    """A transfer moves whole bursts."""
    timing: Annotated[str, Meta(min_length=1)] = "fixed"
    """`fixed`: the three numbers above. Else a DRAM table behind them, by name or path."""
    channels: Count | None = None
    """Instead of the table's; this and the keys below have an effect only with a table."""
    ranks: Count | None = None
    """Per channel, instead of the table's."""
    mapping: str | None = None
    """Fields of an address from the highest to the lowest, instead of the table's."""
    scheduler: Literal["first_ready", "in_order"] | None = None
    """`first_ready` (FR-FCFS) if not given."""
    page_policy: Literal["open", "closed"] | None = None
    """`open` if not given."""
    queue_depth: Count | None = None
    """Bursts that each channel's controller holds; 16 if not given."""


DRAM_TABLE_KEYS = frozenset(
    {"channels", "ranks", "mapping", "scheduler", "page_policy", "queue_depth"}
)
"""Keys of `memory.dram` that have an effect only with a table."""


def refuse_idle(given: dict[str, Any], dram: Dram, source: str) -> None:
    """Raise if a file sets a key that has an effect only with a table, and there is none.

    Args:
        given: plain data of the section, as in the file.
        dram: the section, checked.
        source: names the file in the error.

    Raises:
        InputError: there is such a key.

    """
    idle = sorted(DRAM_TABLE_KEYS & given.keys())
    if idle and dram.timing == "fixed":
        raise InputError(
            f"{source}: memory.dram.{idle[0]} has an effect only with a DRAM table, but "
            "memory.dram.timing is fixed"
        )
