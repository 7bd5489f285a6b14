"""Random programs of a unit: nests of loops with given totals of tokens."""

from dataclasses import dataclass
from math import gcd
from random import Random
from typing import NamedTuple

from simulator.program import Amount, Body, Channel, Command, Kind, Loop, Skip, Unit

_DEEPEST = 4
_LONGEST = 400
"""Largest number of iterations of a loop."""


class Flow(NamedTuple):
    """Tokens of a channel that a unit gives or takes."""

    channel: Channel
    gives: bool
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The style of a program. Numbers are probabilities unless noted."""

    cycles: tuple[int, ...]
    """Possible cycles of a command."""
    bytes: tuple[int, ...]
    """Possible bytes of a command."""
    steady: bool
    """True if every kind has its own fixed cycles and bytes."""
    begins: float
    """A command gives at its start."""
    ragged: float
    """The number of iterations of a loop does not divide its tokens."""
    peeled: float
    """The first and last iteration of a loop differ."""
    phases: float
    """Another nest follows a nest."""
    apart: float
    """Several commands share a command's tokens, or a command takes them in two amounts."""
    fillers: float
    """Another command moves no token."""
    moved: float
    """A flow's tokens move at once, before or after an inner loop."""
    late: float
    """A unit's first command of a section is long."""


class Nests:
    """Generator of the programs of units."""

    def __init__(self, rng: Random, style: Style, kinds: tuple[Kind, ...]) -> None:
        self.rng = rng
        self.style = style
        self.kinds: dict[Unit, list[Kind]] = {}
        for kind in kinds:
            self.kinds.setdefault(kind.unit, []).append(kind)
        for unit, own in self.kinds.items():
            self.kinds[unit] = rng.sample(own, rng.randint(1, len(own)))
        self.costs = {kind: self._cost() for kind in kinds}

    def unit(self, unit: Unit, flows: list[Flow], commands: int) -> Body:
        """Return a body that moves these tokens, with about this many commands."""
        self.of = unit
        body = self._parts(flows, commands, 0) if flows else ()
        if self.rng.random() < self.style.late:
            late = self._command()._replace(cycles=self.rng.choice((10, 100, 1000)), penalty=0)
            body = (late, *body)
        return body

    def _parts(self, flows: list[Flow], commands: int, depth: int) -> Body:
        """Draw a leaf, a loop, or two nests that share the tokens."""
        most = max(flow.tokens for flow in flows)
        if depth == _DEEPEST or commands < 4 or most == 1:
            return self._leaf(flows)
        if self.rng.random() < self.style.phases:
            first, then = self._split(flows)
            half = commands // 2
            return self._some(first, half, depth) + self._some(then, half, depth)
        if depth and self.rng.random() < 0.3:
            return self._leaf(flows)
        return self._loop(flows, commands, depth)

    def _some(self, flows: list[Flow], commands: int, depth: int) -> Body:
        return self._parts(flows, commands, depth) if flows else ()

    def _split(self, flows: list[Flow]) -> tuple[list[Flow], list[Flow]]:
        """Split each flow in two."""
        part = self.rng.choice((0.25, 0.5, 0.5, 0.75))
        first = [flow._replace(tokens=round(flow.tokens * part)) for flow in flows]
        then = [
            flow._replace(tokens=flow.tokens - other.tokens)
            for flow, other in zip(flows, first, strict=True)
        ]
        return _moving(first), _moving(then)

    def _loop(self, flows: list[Flow], commands: int, depth: int) -> Body:
        """Draw a loop that moves equal lots per iteration. The rest moves before or after it."""
        rng, style = self.rng, self.style
        iterations = self._iterations(flows, commands)
        inside = [flow._replace(tokens=flow.tokens // iterations) for flow in flows]
        if depth and len(inside) > 1 and rng.random() < style.moved:
            moved = rng.randrange(len(inside))
            inside[moved] = inside[moved]._replace(tokens=0)
        left = [
            flow._replace(tokens=flow.tokens - iterations * inner.tokens)
            for flow, inner in zip(flows, inside, strict=True)
        ]
        head = [flow for flow in _moving(left) if not flow.gives]
        tail = [flow for flow in _moving(left) if flow.gives]
        body = self._some(_moving(inside), commands // iterations, depth + 1) or (self._command(),)
        loop: Body = (Loop(iterations, body),)
        if iterations > 2 and rng.random() < style.peeled:
            loop = (*self._varied(body), Loop(iterations - 2, body), *self._varied(body))
        before, after = self._leaf(head) if head else (), self._leaf(tail) if tail else ()
        return before + loop + after

    def _iterations(self, flows: list[Flow], commands: int) -> int:
        rng = self.rng
        most = max(1, min(commands, _LONGEST, max(flow.tokens for flow in flows)))
        if rng.random() < self.style.ragged:
            return rng.randint(1, most)
        several = [flow.tokens for flow in flows if flow.tokens > 1]
        tokens = gcd(*several)
        if tokens == 1 or rng.random() < self.style.moved / 2:
            tokens = rng.choice(several)
        divisors = [n for n in range(2, min(most, tokens) + 1) if tokens % n == 0]
        return rng.choice(divisors[-4:] or [1])

    def _leaf(self, flows: list[Flow]) -> Body:
        """Draw one command, or several commands that share the tokens."""
        rng = self.rng
        if rng.random() < self.style.apart / 4:
            first, then = self._split(flows)
            flows = first + then
        takes = [flow for flow in flows if not flow.gives]
        gives = [flow for flow in flows if flow.gives]
        groups = [(takes, gives)]
        if rng.random() < self.style.apart:
            groups = [(takes, []), ([], gives)]
        if rng.random() < self.style.apart / 2:
            groups = [([flow], []) for flow in takes] + [([], [flow]) for flow in gives]
        if rng.random() < self.style.moved / 4:
            rng.shuffle(groups)
        parts: list[Command | Skip | Loop] = []
        for take, give in groups:
            if take or give:
                parts.append(self._command(take, give))
            if rng.random() < self.style.fillers:
                parts.append(self._filler())
        return tuple(parts)

    def _filler(self) -> Command | Skip | Loop:
        """Draw commands that move no token."""
        body = self.rng.choice(((Skip(1),), (self._command(),), (self._command(), self._command())))
        return self.rng.choice((body[0], Loop(self.rng.randint(1, 3), body)))

    def _command(self, takes: list[Flow] = [], gives: list[Flow] = []) -> Command:  # noqa: B006
        rng = self.rng
        kind = rng.choice(self.kinds[self.of])
        cycles, size, penalty = self.costs[kind] if self.style.steady else self._cost()
        begins: list[Amount] = []
        given: list[Amount] = []
        for flow in gives:
            (begins if rng.random() < self.style.begins else given).append(_amount(flow))
        return kind(
            cycles=cycles,
            penalty=penalty,
            bytes=size,
            steps=rng.choice((0, 0, 0, 1)),
            takes=[_amount(flow) for flow in takes],
            gives=given,
            begins=begins,
        )

    def _cost(self) -> tuple[int, int, int]:
        """Draw cycles, bytes and penalty."""
        rng = self.rng
        cycles = rng.choice(self.style.cycles)
        return cycles, rng.choice(self.style.bytes), rng.choice((0, cycles // 2))

    def _varied(self, body: Body) -> Body:
        """Copy a body with other cycles."""
        varied: list[Command | Skip | Loop] = []
        for part in body:
            if isinstance(part, Loop):
                varied.append(Loop(part.times, self._varied(part.body)))
            elif isinstance(part, Skip):
                varied.append(part)
            else:
                cycles, size, penalty = self._cost()
                varied.append(part._replace(cycles=cycles, bytes=size, penalty=penalty))
        return tuple(varied)


def _moving(flows: list[Flow]) -> list[Flow]:
    return [flow for flow in flows if flow.tokens]


def _amount(flow: Flow) -> Amount:
    return flow.channel(flow.tokens)
