"""The engines: program -> trace, or totals. An engine handles only units, channels, and commands.

- `event` (SimPy): a process per unit; the readable reference.
- `fast`: the same times in less time, and totals without a trace.

`trace.py` is the table of commands that reports and analyses read. `path.py` and `waits.py` sum it:
cycles along the critical path by category, and waits by channel.
"""

from typing import Literal

EngineName = Literal["event", "fast"]

ENGINES: tuple[EngineName, ...] = ("event", "fast")
"""Every engine by its name on the command line; `auto` is the fastest engine that serves."""

__all__ = ["ENGINES", "EngineName"]
