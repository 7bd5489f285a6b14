"""Find the state dict in a checkpoint: all of it, or the part under a usual key."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.base.errors import InputError
from simulator.base.wording import listed

_USUAL = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "weights",
)  # fmt: skip
"""Keys of the state dict, the first before the others."""
_AVERAGES = frozenset({"ema", "average", "averaged", "avg", "swa", "teacher", "shadow"})
"""Words in the keys of averaged weights, which are read only if the file has no others."""
_OTHERS = ("optim", "sched", "scaler")
"""Parts of the keys of a trainer's own state, whose tensors are not weights."""
_DEPTH = 3
_SHOWN = 8
"""Maximum number of keys in an error."""


@dataclass(frozen=True, slots=True)
class StateDict:
    """The named values of a network, and a note on others in the same file."""

    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values of other networks in the file, by their keys, such as `model_ema`."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    keys: tuple[str, ...]
    """Keys on the way to the values; none for the checkpoint itself."""
    values: Mapping[str, Any]

    @property
    def rank(self) -> int:
        """The lower, the more usual."""
        key = self.keys[-1].lower() if self.keys else ""
        if key in _USUAL:
            return _USUAL.index(key)
        words = set(re.split("[^a-z]+", "_".join(self.keys).lower()))
        is_average = not words.isdisjoint(_AVERAGES)
        return len(_USUAL) + (2 if is_average else bool(self.keys))

    @property
    def name(self) -> str:
        return ".".join(self.keys) or "the top level"


def find_state_dict(content: Any, path: Path, is_weight: Callable[[Any], bool]) -> StateDict:
    """Find the named weights of a network.

    Weights under a usual key come before others, averaged weights last. Several parts of equal rank
    form one state dict, whose names begin with the parts' keys.

    Args:
        content: the loader's result.
        path: the file, for errors.
        is_weight: true for a tensor of two or more dimensions.

    Raises:
        InputError: the file has no named weights; the error lists its keys.

    """
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: expected a state dict; found {type(content).__name__}")
    candidates = sorted(_candidates(content, (), is_weight), key=lambda found: found.rank)
    if not candidates:
        raise InputError(_nothing(content, path))
    best = [one for one in candidates if one.rank == candidates[0].rank]
    passed_over = [one for one in candidates if one.rank != candidates[0].rank]
    others = {one.name: one.values for one in passed_over if one.keys}
    values = best[0].values
    if len(best) > 1:
        values = {
            f"{'.'.join(one.keys)}.{name}": value
            for one in best
            for name, value in one.values.items()
        }
    if not passed_over:
        return StateDict(values)
    note = (
        f"The weights are those under {listed([one.name for one in best])} in the file; it also "
        f"holds weights under {listed([one.name for one in passed_over])}."
    )
    if others:
        note += f" --rename '{next(iter(others))}.*=*' reads those instead."
    return StateDict(values, (note,), others)


def _candidates(
    values: Mapping[Any, Any], keys: tuple[str, ...], is_weight: Callable[[Any], bool]
) -> Iterator[_Candidate]:
    named = {name: value for name, value in values.items() if isinstance(name, str)}
    if any(map(is_weight, named.values())):
        yield _Candidate(keys, named)
    if len(keys) == _DEPTH:
        return
    for name, value in named.items():
        if isinstance(value, Mapping) and not any(word in name.lower() for word in _OTHERS):
            yield from _candidates(value, (*keys, name), is_weight)


def _nothing(content: Mapping[Any, Any], path: Path) -> str:
    if not content:
        return f"{path}: its state dict is empty"
    keys = [str(key)[:40] for key in content]
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return (
        f"{path}: holds no named weights; its keys are {', '.join(keys[:_SHOWN])}{more}; save the "
        "model's state_dict()"
    )
