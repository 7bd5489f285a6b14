"""Scope of a run: the kinds of layers that it computes.

- `binary`: the layers whose weights are signs. The paper's comparison covers these layers.
- `weights`: every layer with weights: also the full-precision first, last and downsample layers.
- `network`: every layer: also normalization, additions, pooling and concatenation, which run on the
  vector unit.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from simulator.base.errors import InputError
from simulator.base.wording import listed

Scope = Literal["binary", "weights", "network"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

FULL_PRECISION_BITS = 32
"""Bits per weight that name a network without binary layers (paper, Table 6: 32/32)."""


def is_full_precision(bits: float | None) -> bool:
    """True if the bits per weight name the full-precision network."""
    return bits == FULL_PRECISION_BITS


def scope_from(
    asked: str | None, bits: Iterable[object] = (), scopes: Sequence[Scope] = SCOPES
) -> Scope:
    """Return the scope of some runs, which all have the same layers.

    Args:
        asked: the user's scope. Default: the first of `scopes` that has layers; a run in full
            precision has no layers in scope `binary`.
        bits: bits per weight of each run and baseline; only numbers count.
        scopes: the scopes of all machines of the runs; see `Family.scopes`.

    Raises:
        InputError: an unknown scope, a scope that a machine does not run, or `binary` for a run in
            full precision.

    """
    numbers = (one for one in bits if isinstance(one, int | float))
    full = any(is_full_precision(one) for one in numbers)
    if asked is None:
        return next(scope for scope in scopes if not full or scope != "binary")
    for scope in SCOPES:
        if asked == scope:
            break
    else:
        raise InputError(f"scope {asked!r}: expected {', '.join(SCOPES[:-1])} or {SCOPES[-1]}")
    if scope not in scopes:
        raise InputError(
            f"scope {scope}: not available on this kind of machine; use scope "
            f"{listed(scopes, 'or')}"
        )
    if full and scope == "binary":
        raise InputError(
            f"scope binary: a run or its baseline has {FULL_PRECISION_BITS} bits and therefore no "
            "binary layer; use scope weights"
        )
    return scope
