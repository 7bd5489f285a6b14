"""When: program -> trace. An engine knows commands, units and waits, nothing else."""

from collections.abc import Callable

from simulator.engine.event import run as run_event
from simulator.program import Program, Trace

Engine = Callable[[Program, Callable[[int], None] | None], Trace]

ENGINES: dict[str, Engine] = {"event": run_event}
"""Every engine by its name on the command line."""

__all__ = ["ENGINES", "Engine"]
