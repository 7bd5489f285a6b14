"""Limits of a DRAM's size and rates: the work of a run is bounded before the run begins."""

from simulator.base.errors import InputError
from simulator.dram.timing import Timing

MOST_CYCLES = 1 << 30
"""Memory cycles of the longest latency and refresh interval."""
MOST_BANKS = 1 << 16
"""Banks of all channels; 16 channels of HBM2 with 2 ranks have 512."""
MOST_QUEUE = 1 << 10
"""Bursts in a controller's queue, which every command examines; controllers have 16 to 256."""
MOST_DMA_BURST = 256
"""Bursts of the DRAM in one burst of a DMA channel: 16 KiB of DDR4, which is two of its rows."""
MOST_CLOCK_RATIO = 1_000_000
"""The largest ratio between the clocks of the DRAM and of the array, in either direction."""


def require_limits(timing: Timing, where: str) -> None:
    """Check the numbers that decide the memory and the commands of a run.

    Args:
        timing: the DRAM.
        where: its table, for the error.

    Raises:
        InputError: too many banks, a queue that is too deep, clocks that are too different, or more
            than one refresh per cycle of the array.

    """
    if timing.queue_depth > MOST_QUEUE:
        raise InputError(
            f"memory.dram.queue_depth is {timing.queue_depth:,}; the limit is {MOST_QUEUE:,}"
        )
    banks = timing.channels * timing.ranks * timing.rank_banks
    if banks > MOST_BANKS:
        raise InputError(f"{where}: has {banks:,} banks in all; the limit is {MOST_BANKS:,}")
    if not 1 <= timing.clock * MOST_CLOCK_RATIO <= MOST_CLOCK_RATIO**2:
        raise InputError(
            f"{where}: has {float(timing.clock):.3g} memory cycles per cycle of the array; the "
            f"limit is a ratio of {MOST_CLOCK_RATIO:,}"
        )
    if not timing.refresh_interval:
        return
    refreshes = timing.clock / timing.refresh_interval * timing.ranks * timing.channels
    if refreshes > 1:
        raise InputError(
            f"{where}: refreshes {float(refreshes):.3g} times per cycle of the array; the limit is "
            "1; increase its refresh_interval"
        )
