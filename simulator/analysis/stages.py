"""The time of every unit of a pipeline: busy, starved, blocked, and idle at both ends of the run.

A unit is starved while the last token that its next command lacks is a word in a FIFO. It is
blocked while that token is a free place. Both come from the waits of a run; see
`simulator.engine.waits`.
"""

from dataclasses import dataclass
from typing import Any

from simulator.analysis.run import Run
from simulator.engine.sums import commands_by_unit
from simulator.program import UnitTerm


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """The cycles of a run in one unit; the six parts add up to the run."""

    unit: UnitTerm
    images: int
    busy: int
    starved: int
    """Cycles for which the unit waits for words, after its first command starts."""
    blocked: int
    """Cycles for which the unit waits for space in FIFOs, after its first command starts."""
    other: int
    """Cycles for which the unit waits for anything else."""
    before: int
    """Cycles before its first command."""
    after: int
    """Cycles after its last command."""

    @property
    def cycles(self) -> int:
        """Cycles of the run."""
        return self.busy + self.starved + self.blocked + self.other + self.before + self.after

    @property
    def cycles_per_image(self) -> float:
        """Busy cycles per image: the interval of a pipeline in which only this unit takes time."""
        return self.busy / self.images

    def plain(self) -> dict[str, Any]:
        """Return all values as plain data: a row of stages.csv."""
        parts = {
            "busy": self.busy,
            "starved": self.starved,
            "blocked": self.blocked,
            "other_waits": self.other,
            "before_first": self.before,
            "after_last": self.after,
        }
        whole = max(1, self.cycles)
        return {
            "unit": self.unit.name,
            "layer": self.unit.layer,
            "role": self.unit.role,
            "cycles_per_image": self.cycles_per_image,
            **{f"{name}_cycles": cycles for name, cycles in parts.items()},
            **{f"{name}_percent": 100 * cycles / whole for name, cycles in parts.items()},
        }


def stage_times(run: Run) -> tuple[StageTime, ...]:
    """Return the time of every unit that has commands, in the order of the pipeline.

    Args:
        run: a run of a program whose layers all run at once.

    """
    summary, words, cycles = run.summary, run.vocabulary, run.cycles
    commands = commands_by_unit(run.mapping.program).sum(axis=0)
    waits, busy = summary.waits.sum(axis=0), summary.busy.sum(axis=0)
    by_side = {
        side: waits[:, [one.side == side for one in words.channels]].sum(axis=1)
        for side in ("items", "space", "")
    }
    return tuple(
        StageTime(
            unit=unit,
            images=run.workload.batch,
            busy=int(busy[number]),
            starved=int(by_side["items"][number] - summary.first_starts[number]),
            blocked=int(by_side["space"][number]),
            other=int(by_side[""][number]),
            before=int(summary.first_starts[number]),
            after=int(cycles - summary.last_ends[number]),
        )
        for number, unit in enumerate(words.units)
        if commands[number]
    )


def slowest(stages: tuple[StageTime, ...]) -> tuple[StageTime, ...]:
    """Return the units with the most busy cycles; several if they tie."""
    most = max(one.busy for one in stages)
    return tuple(one for one in stages if one.busy == most)
