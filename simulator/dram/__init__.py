"""A DRAM with its controllers: bursts in, times of their data out, in memory cycles.

- `timing`: the contents of a standard's table, as plain numbers.
- `device`: one channel's banks and the first legal cycle of each command.
- `controller`: one channel's queue and the choice of the next command.
- `system`: all channels and the streams that feed them, on the array's clock.
- `section`: the keys `memory.dram` of a hardware file.
- `limits`: limits of sizes and rates.
- `tables`: timing tables from `hw_configs/dram`.
"""

from simulator.dram.system import DramSystem
from simulator.dram.timing import Rule, Timing

__all__ = ["DramSystem", "Rule", "Timing"]
