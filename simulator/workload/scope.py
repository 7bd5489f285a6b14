"""Scope of a run: the kinds of layers that it computes.

- `binary`: the layers whose weights are signs. The paper's comparison covers these layers.
- `weights`: every layer with weights: also the full-precision first, last and downsample layers.
- `network`: every layer: also normalization, additions, pooling and concatenation, which run on the
  vector unit.
"""

from collections.abc import Iterable
from typing import Literal, get_args

from simulator.base.errors import InputError

Scope = Literal["binary", "weights", "network"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

FULL_PRECISION_BITS = 32
"""Bits per weight that name a network without binary layers (paper, Table 6: 32/32)."""


def is_full_precision(bits: float | None) -> bool:
    """True if the bits per weight name the full-precision network."""
    return bits == FULL_PRECISION_BITS


def scope_from(asked: str | None, bits: Iterable[object] = ()) -> Scope:
    """Return the scope of some runs, which all have the same layers.

    Args:
        asked: the user's scope. Default: `binary`, or `weights` if a run is in full precision.
        bits: bits per weight of each run and baseline; only numbers count.

    Raises:
        InputError: an unknown scope, or `binary` for a run in full precision, which has no binary
            layer.

    """
    numbers = (one for one in bits if isinstance(one, int | float))
    full = any(is_full_precision(one) for one in numbers)
    if asked is None:
        return "weights" if full else "binary"
    for scope in SCOPES:
        if asked == scope:
            break
    else:
        raise InputError(f"scope {asked!r}: expected {', '.join(SCOPES[:-1])} or {SCOPES[-1]}")
    if full and scope == "binary":
        raise InputError(
            f"scope binary: a run or its baseline has {FULL_PRECISION_BITS} bits and therefore no "
            "binary layer; use scope weights"
        )
    return scope
