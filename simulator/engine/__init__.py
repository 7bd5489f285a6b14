"""When: program -> trace, or totals. An engine knows units, channels and commands, nothing else.

- `event` (SimPy): a process per unit; the readable reference.
- `fast`: the same times, and totals without a trace; still on the old contract (`ordered.py`).

`trace.py` is the table of commands that reports and analyses read. `path.py` and `waits.py` sum it
up: cycles along the critical path by category, and waits by channel.
"""

from typing import Literal

EngineName = Literal["event", "fast"]

ENGINES: tuple[EngineName, ...] = ("event", "fast")
"""Every engine by its name on the command line, where `auto` stands for the fastest that serves."""

__all__ = ["ENGINES", "EngineName"]
