"""Changes with which a whole network could keep more of the gain: one at a time, and together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.base.progress import Progress
from simulator.machines import load_hardware
from simulator.paper.cases import SUB_BIT, Case, measure
from simulator.paper.equal_area import area_of
from simulator.paper.whole_network import MACHINES, Pair, pair_of

NETWORK = "r18"
_MACS = "full_precision.macs_per_cycle"
_LUT_ARRAYS = ("cofluent64", "bnn64")
"""The machines with a MAC unit; a systolic array runs full precision on its own PEs."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of the machine or of the network."""

    title: str
    settings: tuple[str, ...] = ()
    """Overrides `KEY=VALUE` of the machine's file."""
    first_layer_bits: int | None = None
    """Input bits of a binary first layer."""
    shortcut_bits: int | None = None
    batch: int | None = None
    machines: tuple[str, ...] = MACHINES
    """The machines that have the changed part."""
    alternative: bool = False
    """True if another change already serves the same layers; it is not one of those together."""

    def of(self, case: Case) -> Case:
        """Return the case with this change."""
        return replace(
            case,
            settings=(*case.settings, *self.settings),
            first_layer_bits=self.first_layer_bits or case.first_layer_bits,
            shortcut_bits=self.shortcut_bits or case.shortcut_bits,
            batch=self.batch or case.batch,
        )


CHANGES = (
    Change(
        title="full precision in 8 bits (`full_precision.bits=8`)",
        settings=("full_precision.bits=8",),
    ),
    Change(
        title=f"1,024 MACs per cycle (`{_MACS}=1024`)",
        settings=(f"{_MACS}=1024",),
        machines=_LUT_ARRAYS,
    ),
    Change(
        title="1,024 MACs of 8 bits (both)",
        settings=("full_precision.bits=8", f"{_MACS}=1024"),
        machines=_LUT_ARRAYS,
        alternative=True,
    ),
    Change(
        title="binary first layer with 8-bit inputs, bit by bit on the PEs",
        first_layer_bits=8,
        alternative=True,
    ),
    Change(
        title="256 lanes in the vector unit (`vector.lanes=256`)",
        settings=("vector.lanes=256",),
    ),
    Change(title="shortcuts of 8 bits (`shortcut_bits: 8`)", shortcut_bits=8),
    Change(
        title="DRAM of 64 GB/s per channel (`memory.dram.gigabytes_per_second=64`)",
        settings=("memory.dram.gigabytes_per_second=64",),
    ),
    Change(
        title="maps on chip (`memory.activations=on_chip`)",
        settings=("memory.activations=on_chip",),
    ),
    Change(
        title="overlapping layers (`overlap=layers`)",
        settings=("overlap=layers",),
        machines=_LUT_ARRAYS,
        alternative=True,
    ),
    Change(title="8 images at once (`--batch 8`)", batch=8),
)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """The network on a machine with some changes."""

    title: str
    machine: str
    pair: Pair
    area: int
    """Gate equivalents of the machine."""
    without: Pair | None = None
    """The runs with all changes together except this one; None if it is not one of them."""


def try_changes(
    machines: Sequence[str] = MACHINES, network: str = NETWORK, progress: Progress | None = None
) -> list[Tried]:
    """Run the whole network with each change, with all, and with all but one.

    Args:
        machines: some of `MACHINES`.
        network: a shipped network.
        progress: called before every group of runs.

    Returns:
        For each machine: as shipped, every change, and all changes together.

    """
    plans = [_plan(machine, network) for machine in machines]
    cases = [case for plan in plans for side in plan.values() for case in side]
    found = measure(cases, progress)
    return [
        Tried(
            title=title,
            machine=machine,
            pair=pair_of(found, *plan[title]),
            area=sum(area_of(load_hardware(machine, plan[title][0].settings))),
            without=pair_of(found, *plan[_without(title)]) if _without(title) in plan else None,
        )
        for machine, plan in zip(machines, plans, strict=True)
        for title in plan
        if not title.startswith(_WITHOUT)
    ]


SHIPPED, TOGETHER = "as shipped", "all together"
_WITHOUT = "without "


def _without(title: str) -> str:
    return f"{_WITHOUT}{title}"


def _plan(machine: str, network: str) -> dict[str, tuple[Case, Case]]:
    """Return the cases at 1 bit and at 0.56 bit by title."""
    changes = [change for change in CHANGES if machine in change.machines]
    joint = [change for change in changes if not change.alternative]
    chosen: dict[str, Sequence[Change]] = {SHIPPED: ()}
    chosen |= {change.title: (change,) for change in changes}
    chosen[TOGETHER] = joint
    chosen |= {
        _without(change.title): [other for other in joint if other is not change]
        for change in joint
    }
    return {title: _changed(machine, network, some) for title, some in chosen.items()}


def _changed(machine: str, network: str, changes: Sequence[Change]) -> tuple[Case, Case]:
    one, sub = (
        Case(machine=machine, network=network, bits=bits, scope="network") for bits in (1, SUB_BIT)
    )
    for change in changes:
        one, sub = change.of(one), change.of(sub)
    return one, sub
