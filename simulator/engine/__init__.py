"""When: program -> times of its commands. An engine knows commands, units and waits, nothing else.

- `event` (SimPy): a process per unit; the readable reference.
- `fast`: the same times, command for command, and totals without them.

`trace.py` is the table of commands that reports and analyses read.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Literal

from simulator.ordered import Executed, Program

EngineName = Literal["event", "fast"]
Engine = Callable[[Program, Callable[[int], None] | None], Executed]

ENGINES: tuple[EngineName, ...] = ("event", "fast")
"""Every engine by its name on the command line, where `auto` stands for the fastest that serves."""


def engine(name: EngineName) -> Engine:
    """Return an engine's `run`, importing it only now: start-up time counts."""
    run: Engine = import_module(f"simulator.engine.{name}").run
    return run


__all__ = ["ENGINES", "Engine", "EngineName", "engine"]
