"""The effect of halving and doubling each hardware key on a run."""

from collections.abc import Sequence
from dataclasses import dataclass

_NOTHING = 5e-5
"""A change of time below this fraction prints as 0.00 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One key at half or at double its value."""

    value: float
    cycles: int | None
    """None if the hardware would be invalid."""
    time_ms: float | None
    change: float | None
    """Relative change of the run's time: 0.01 is 1 % slower."""
    reason: str
    """Why the time changed, why it did not, or why the hardware is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEffects:
    """A numeric key of the hardware file, halved and doubled, everything else as it is."""

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
        """One line for each change that affects the time or is impossible."""
        return [
            _sentence(verb, self.key, effect)
            for verb, effect in (("halving", self.halved), ("doubling", self.doubled))
            if effect.change is None or abs(effect.change) >= _NOTHING
        ]


def _sentence(verb: str, key: str, effect: Effect) -> str:
    if effect.change is None:
        return f"{verb} {key} is not possible: {effect.reason}"
    word = "longer" if effect.change > 0 else "shorter"
    return f"{verb} {key} makes the run {100 * abs(effect.change):.2f} % {word}: {effect.reason}"


def ranked(effects: Sequence[KeyEffects]) -> tuple[KeyEffects, ...]:
    """Sort by effect, the largest first; equal effects keep the order of the hardware file."""
    return tuple(sorted(effects, key=lambda effect: -effect.size))
