"""A DRAM behind its controllers: bursts in, times of their data out. Knows memory cycles only.

- `timing`: what a standard's table says, as plain numbers.
- `device`: one channel's banks: when is a command legal?
- `controller`: one channel's queue: which command is next?
- `system`: all channels and the streams that feed them, on the array's clock.
- `section`: the keys `memory.dram` of a hardware file.
- `tables`: timing tables, read from `hw_configs/dram`.
"""

from simulator.dram.system import DramSystem
from simulator.dram.timing import Rule, Timing

__all__ = ["DramSystem", "Rule", "Timing"]
