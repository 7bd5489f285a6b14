"""The effect of halving and doubling hardware keys on a run, one by one and together."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.base.wording import listed

_NOTHING = 5e-5
"""A change of time below this fraction prints as 0.00 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One key at half or at double its value."""

    value: float
    cycles: int | None
    """The run's cycles; None for invalid hardware, or without a run."""
    time_ms: float | None
    change: float | None
    """Relative change of the run's time: 0.01 is 1 % slower."""
    reason: str
    """The reason for the change of time, for its absence, for invalid hardware, or for no run."""
    measured: bool = True
    """False if the hardware is valid, but did not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEffects:
    """The effects of halving and doubling one numeric key of the hardware file."""

    key: str
    value: float
    halved: Effect
    doubled: Effect

    @property
    def size(self) -> float:
        """The larger of the two relative changes of time."""
        return max(abs(effect.change or 0.0) for effect in (self.halved, self.doubled))

    @property
    def sentences(self) -> list[str]:
        """One line for each change that affects the time or has no measurement."""
        lines = []
        for verb, effect in (("halving", self.halved), ("doubling", self.doubled)):
            if not effect.measured:
                lines.append(f"{verb} {self.key} was not measured because {effect.reason}")
            elif effect.change is not None and abs(effect.change) >= _NOTHING:
                lines.append(_sentence(verb, self.key, effect.change, effect.reason))
        return lines

    @property
    def measured(self) -> bool:
        """True if every valid change of the key has a run."""
        return self.halved.measured and self.doubled.measured


@dataclass(frozen=True, slots=True, kw_only=True)
class JointEffect:
    """The effect of doubling several keys at once."""

    keys: tuple[str, ...]
    values: tuple[float, ...]
    """The doubled values, in the order of the keys."""
    cycles: int
    time_ms: float
    change: float
    """Relative change of the run's time: -0.01 is 1 % shorter."""
    reason: str

    @property
    def sentence(self) -> str:
        """The effect as one line."""
        return _sentence("doubling", f"{listed(self.keys)} together", self.change, self.reason)


def _sentence(verb: str, what: str, change: float, reason: str) -> str:
    word = "longer" if change > 0 else "shorter"
    return f"{verb} {what} makes the run {100 * abs(change):.2f} % {word}: {reason}"


def ranked(effects: Sequence[KeyEffects]) -> tuple[KeyEffects, ...]:
    """Sort by effect, the largest first, without the keys that measurably have none.

    Equal effects keep the order of the hardware file.
    """
    some = [effect for effect in effects if effect.size >= _NOTHING or not effect.measured]
    return tuple(sorted(some, key=lambda effect: -effect.size))


def adding(together: Sequence[JointEffect], alone: Sequence[KeyEffects]) -> tuple[JointEffect, ...]:
    """Return the joint effects that shorten the run more than any subset of their keys does.

    Args:
        together: joint effects, each after the joint effects of fewer keys.
        alone: effects of single keys.

    Returns:
        The joint effects, the largest first.

    """
    changes = {frozenset({one.key}): one.doubled.change or 0.0 for one in alone}
    kept = []
    for joint in together:
        keys = frozenset(joint.keys)
        parts = [change for part, change in changes.items() if part < keys]
        if joint.change < min(parts, default=0.0) - _NOTHING:
            kept.append(joint)
        changes[keys] = joint.change
    return tuple(sorted(kept, key=lambda joint: joint.change))
