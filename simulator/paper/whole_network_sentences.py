"""The conclusions of `whole_network.md`, each computed from the runs."""

from collections.abc import Iterable, Sequence
from math import isinf

from simulator.base.wording import counted, listed
from simulator.paper.layer_kinds import KINDS, Kind
from simulator.paper.markdown import extent
from simulator.paper.whole_network import GAIN, KEPT, Survival
from simulator.paper.whole_network_changes import NETWORK, Tried
from simulator.workload.scope import SCOPES

CLOSE = 0.03
"""The largest difference from Amdahl's law, as a fraction, that counts as agreement."""
PHRASES: dict[Kind, str] = {
    "binary": "binary layers",
    "first": "the first layer",
    "downsample": "the downsample layers",
    "last": "the last layers",
    "vector": "the layers without weights",
}


def of_machine(mine: Sequence[Survival], tried: Sequence[Tried]) -> list[str]:
    """Return the conclusions on one machine, one paragraph each.

    Args:
        mine: networks on the machine.
        tried: changes of the machine and of `NETWORK`.

    """
    gaining = [one for one in mine if one.gains]
    return [
        _speed(mine),
        *([_kept(mine, gaining)] if gaining else []),
        _energy(mine),
        _rest(mine),
        *([_amdahl(gaining)] if gaining else []),
        *(_required(one) for one in gaining if one.case.network == NETWORK),
        *([_changed(tried)] if tried else []),
    ]


def _speed(mine: Sequence[Survival]) -> str:
    scopes = listed([f"{_times(_speedups(mine, scope))} in scope `{scope}`" for scope in SCOPES])
    return f"Speedup of 0.56 bit over 1 bit: {scopes}."


def _kept(mine: Sequence[Survival], gaining: Sequence[Survival]) -> str:
    kept = extent([100 * one.kept for one in gaining], "{:.0f} %")
    if len(gaining) == len(mine):
        return f"Whole networks keep {kept} of the gain (the speedup less 1) of scope `binary`."
    names = listed([f"`{one.case.network}`" for one in gaining])
    return (
        f"Networks with a speedup of at least {GAIN:g}x in scope `binary`: {names}, with {kept} "
        "of this gain (the speedup less 1) in the whole network."
    )


def _speedups(mine: Sequence[Survival], scope: str) -> list[float]:
    return [pair.speedup for one in mine for key, pair in one.pairs.items() if key == scope]


def _energy(mine: Sequence[Survival]) -> str:
    scopes = listed(
        [
            f"{_times([one.pairs[scope].energy_ratio for one in mine])} in scope `{scope}`"
            for scope in SCOPES
        ]
    )
    return f"Energy at 1 bit over energy at 0.56 bit: {scopes}."


def _rest(mine: Sequence[Survival]) -> str:
    """Name the largest part of the time at 0.56 bit apart from binary layers."""
    networks: dict[Kind, list[str]] = {}
    for one in mine:
        others = [kind for kind in KINDS if kind != "binary"]
        largest = max(others, key=one.whole.sub.cycles_of)
        share = f"`{one.case.network}` ({100 * one.whole.sub.share_of(largest):.0f} %)"
        networks.setdefault(largest, []).append(share)
    said = listed([f"{PHRASES[kind]} in {listed(names)}" for kind, names in networks.items()])
    return f"The largest other part of the time at 0.56 bit: {said}."


def _amdahl(gaining: Sequence[Survival]) -> str:
    """Compare Amdahl's law with the runs, and name the networks that gain less."""
    less = [one for one in gaining if one.whole.speedup < (1 - CLOSE) * one.expected]
    agree = [one for one in gaining if abs(one.whole.speedup / one.expected - 1) <= CLOSE]
    found = (
        f"Amdahl's law gives the speedup of {len(agree)} of {counted(len(gaining), 'network')} "
        f"within {100 * CLOSE:.0f} %."
    )
    if not less:
        return found
    names = listed([f"`{one.case.network}`" for one in less])
    alone = _times([one.pairs["binary"].speedup for one in less])
    inside = _times([one.binary_speedup for one in less])
    moved = _times([_traffic(one) for one in less])
    return (
        f"{found} It gives too much for {names}: the speedup of their binary layers is {alone} "
        f"alone but {inside} in the network, where these layers move {moved} the bytes, because "
        "they also read and write the residual path."
    )


def _traffic(one: Survival) -> float:
    """DRAM bytes of the binary layers at 0.56 bit: in the network, over scope `binary`."""
    return one.whole.sub.bytes_of("binary") / one.pairs["binary"].sub.bytes_of("binary")


def _required(one: Survival) -> str:
    target = f"{100 * KEPT:.0f} % of the speedup of scope `binary`"
    if one.required <= 1:
        return f"`{one.case.network}` reaches {target}."
    if isinf(one.required):
        return f"`{one.case.network}` would miss {target} even if other layers took no time."
    return (
        f"For `{one.case.network}` to reach {target}, its other layers would have to be "
        f"{one.required:.1f} times as fast."
    )


def _changed(tried: Sequence[Tried]) -> str:
    """Summarize the changes on one machine."""
    shipped, *single, together = tried
    before = f"{shipped.pair.speedup:.2f}x"
    old, new = (one.pair.sub.milliseconds for one in (shipped, together))
    found = [
        f"With all changes together, `{NETWORK}` takes {new:.3f} instead of {old:.3f} ms at 0.56 "
        "bit, its speedup "
        f"{_from_to(before, f'{together.pair.speedup:.2f}x')}, and the machine has "
        f"{together.area / 1e6:.2f} instead of {shipped.area / 1e6:.2f} MGE."
    ]
    best = max(single, key=lambda one: one.pair.speedup)
    if f"{best.pair.speedup:.2f}x" != before:
        found.append(
            f"The change with the largest effect is {best.title}: {best.pair.speedup:.2f}x "
            f"with {best.area / 1e6:.2f} MGE."
        )
    least = round(shipped.pair.speedup, 2)
    lower = [one for one in single if round(one.pair.speedup, 2) < least]
    if lower:
        titles = listed([f"{one.title} ({one.pair.speedup:.2f}x)" for one in lower])
        found.append(f"A change that saves more at 1 bit lowers the speedup: {titles}.")
    return " ".join(found)


def _from_to(before: str, after: str) -> str:
    return f"stays {before}" if before == after else f"is {after} instead of {before}"


def _times(values: Iterable[float]) -> str:
    return extent(values, "{:.2f}x")
