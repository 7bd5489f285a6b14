"""What halving and doubling each hardware key does to a run."""

from collections.abc import Sequence
from dataclasses import dataclass

_NOTHING = 5e-5
"""A change of time below this share prints as 0.00 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One key at half or at double its value."""

    value: float
    cycles: int | None
    """None: the machine cannot be so."""
    time_ms: float | None
    change: float | None
    """Time against the run's, as a share: 0.01 is 1 % slower."""
    reason: str
    """Why the time changed, or did not, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEffects:
    """A numeric key of the hardware file, halved and doubled, everything else as it is."""

    key: str
    value: float
    halved: Effect
    doubled: Effect

    @property
    def size(self) -> float:
        """The larger of the two changes of time, as a share."""
        return max(abs(effect.change or 0.0) for effect in (self.halved, self.doubled))

    @property
    def sentences(self) -> list[str]:
        """One line for each of the two that changes the time or is impossible."""
        return [
            _sentence(verb, self.key, effect)
            for verb, effect in (("halving", self.halved), ("doubling", self.doubled))
            if effect.change is None or abs(effect.change) >= _NOTHING
        ]


def _sentence(verb: str, key: str, effect: Effect) -> str:
    if effect.change is None:
        return f"{verb} {key} is not possible: {effect.reason}"
    word = "costs" if effect.change > 0 else "saves"
    return f"{verb} {key} {word} {100 * abs(effect.change):.2f} %: {effect.reason}"


def ranked(effects: Sequence[KeyEffects]) -> tuple[KeyEffects, ...]:
    """The largest effect first; keys of equal effect in the order of the hardware file."""
    return tuple(sorted(effects, key=lambda effect: -effect.size))
