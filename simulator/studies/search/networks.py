"""The networks of a search: the file's, and one per tau if a method chooses the subsets."""

from collections.abc import Iterable
from typing import Any

from simulator.base.errors import InputError
from simulator.workload import Workload
from simulator.workload.choice import Choice
from simulator.workload.layer import MAX_TAU
from simulator.workload.model import load_model
from simulator.workload.subsets import Method


def read_networks(
    model: str, taus: Iterable[int], *, subset: Method | None, seed: int | None, **reading: Any
) -> tuple[Workload, dict[int, Workload]]:
    """Return the network of a model, and the network with chosen subsets for each tau.

    A layer's subset depends on its own tau alone. A combination of taus therefore takes each layer
    from the network of the layer's tau.

    Args:
        model: a shipped name or a path, as in `load_model`.
        taus: taus that a layer may have.
        subset: method that chooses the subsets; None for the subsets in the file.
        seed: seed of `random`.
        reading: the other options of `load_model`.

    Raises:
        InputError: as `load_model`, or `subset` has no effect at 1 bit.

    """
    if subset is None:
        return load_model(model, choice=Choice(seed=seed), **reading), {}
    sub_bit = sorted(tau for tau in set(taus) if tau < MAX_TAU)
    chosen = {
        tau: load_model(model, choice=Choice(subset=subset, seed=seed, tau=tau), **reading)
        for tau in sub_bit
    }
    if not chosen:
        raise InputError(f"--subset {subset} has no effect because every layer is at 1 bit")
    return load_model(model, **reading), chosen
