"""The gain of sub-bit weights in a whole network: speedups by scope, and Amdahl's law."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf

from simulator.base.progress import Progress
from simulator.paper.cases import SUB_BIT, Case, Impossible, Measured, measure
from simulator.workload.scope import SCOPES, Scope

MACHINES = ("cofluent64", "bnn64", "systolic-equal-area")
NETWORKS = (
    "r18",
    "r34",
    "r18-cifar10",
    "r50-cifar10",
    "vgg-small",
    "ssd300-vgg16",
    "faster-rcnn-r18",
    "birealnet18",
    "quicknet",
    "reactnet-a",
    "binarydensenet28",
)
"""The paper's networks, and four binary networks of others."""
BITS = (1, SUB_BIT)
GAIN = 1.05
"""The least speedup in scope `binary` that counts as a gain."""
KEPT = 0.9
"""The fraction of the speedup of the binary layers that the whole network is to reach."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A network at 1 bit and at 0.56 bit in the same scope on the same machine."""

    one: Measured
    sub: Measured

    @property
    def speedup(self) -> float:
        """Time at 1 bit over time at 0.56 bit."""
        return self.one.milliseconds / self.sub.milliseconds

    @property
    def energy_ratio(self) -> float:
        """Energy at 1 bit over energy at 0.56 bit."""
        return self.one.energy_uj / self.sub.energy_uj


@dataclass(frozen=True, kw_only=True)
class Survival:
    """A network on a machine, in all scopes."""

    pairs: Mapping[Scope, Pair]

    @property
    def case(self) -> Case:
        """One of its cases."""
        return self.whole.one.case

    @property
    def whole(self) -> Pair:
        """The runs of the whole network."""
        return self.pairs["network"]

    @property
    def gains(self) -> bool:
        """True if 0.56 bit is faster than 1 bit in the binary layers, by at least `GAIN`."""
        return self.pairs["binary"].speedup >= GAIN

    @property
    def kept(self) -> float:
        """The part of the gain that the whole network keeps; the gain is the speedup less 1.

        2x in the whole network of 3x in its binary layers is one half.
        """
        return (self.whole.speedup - 1) / (self.pairs["binary"].speedup - 1)

    @property
    def binary_share(self) -> float:
        """Amdahl's fraction: time in binary layers at 1 bit, over the time of the network."""
        return self.whole.one.share_of("binary")

    @property
    def bound(self) -> float:
        """Amdahl's bound: the speedup if the binary layers took no time."""
        return 1 / (1 - self.binary_share)

    @property
    def expected(self) -> float:
        """Amdahl's law: the speedup if only the binary layers change, as in scope `binary`."""
        share = self.binary_share
        return 1 / (1 - share + share / self.pairs["binary"].speedup)

    @property
    def binary_speedup(self) -> float:
        """Speedup of the binary layers in the whole network, where they may have fused layers."""
        one, sub = self.whole.one, self.whole.sub
        return one.cycles_of("binary") / sub.cycles_of("binary")

    @property
    def required(self) -> float:
        """The factor by which other layers must be faster to reach `KEPT` of scope `binary`.

        With the cycles b of binary and r of other layers at 1 bit, b' and r' at 0.56 bit, the
        speedup is (b + r/x) / (b' + r'/x). It reaches s at x = (s r' - r) / (b - s b'). 1 or less:
        it is reached; infinite: b/b' is not more than s.
        """
        one, sub = self.whole.one, self.whole.sub
        binary, binary_sub = one.cycles_of("binary"), sub.cycles_of("binary")
        other, other_sub = one.cycles - binary, sub.cycles - binary_sub
        target = KEPT * self.pairs["binary"].speedup
        margin = binary - target * binary_sub
        return (target * other_sub - other) / margin if margin > 0 else inf


def survivals(
    machines: Iterable[str] = MACHINES,
    networks: Iterable[str] = NETWORKS,
    progress: Progress | None = None,
) -> list[Survival]:
    """Run networks at 1 bit and at 0.56 bit in every scope on every machine.

    Args:
        machines: shipped hardware files.
        networks: shipped networks.
        progress: called before every network on a machine.

    Returns:
        One per machine and network, machine by machine.

    """
    networks = tuple(networks)
    keys = [(machine, network) for machine in machines for network in networks]
    found = measure((case for key in keys for case in _cases(*key).values()), progress)
    return [_survival(found, *key) for key in keys]


def _cases(machine: str, network: str) -> dict[tuple[Scope, float], Case]:
    return {
        (scope, bits): Case(machine=machine, network=network, bits=bits, scope=scope)
        for scope in SCOPES
        for bits in BITS
    }


def _survival(found: Mapping[Case, Measured | Impossible], machine: str, network: str) -> Survival:
    cases = _cases(machine, network)
    pairs = {scope: pair_of(found, *(cases[scope, bits] for bits in BITS)) for scope in SCOPES}
    return Survival(pairs=pairs)


def pair_of(found: Mapping[Case, Measured | Impossible], one: Case, sub: Case) -> Pair:
    """Return the results of two cases that the machine can run.

    Args:
        found: results of `measure`.
        one: the case at 1 bit.
        sub: the case at 0.56 bit.

    """
    sides = [found[case] for case in (one, sub)]
    for side in sides:
        assert isinstance(side, Measured), side
    first, second = (side for side in sides if isinstance(side, Measured))
    return Pair(one=first, sub=second)
