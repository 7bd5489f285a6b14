"""One channel's banks and buses: the first legal cycle and the effects of each command."""

from collections import deque
from dataclasses import dataclass

from simulator.dram.timing import COLUMN_COMMANDS, RANK_COMMANDS, Command, Timing

CLOSED = -1
"""The value that replaces a row number if no row is open."""

_ACT, _PREA = int(Command.ACT), int(Command.PREA)
_CLOSES_BANK = frozenset(map(int, (Command.PRE, Command.RDA, Command.WRA)))
_IS_COLUMN = tuple(command in COLUMN_COMMANDS for command in Command)
_IS_RANK = tuple(command in RANK_COMMANDS for command in Command)


@dataclass(frozen=True, slots=True)
class _Effect:
    """A rule from the view of one of its preceding commands."""

    rule: int
    level: int
    following: tuple[int, ...]
    latency: int
    window: int
    sibling: bool


class Device:
    """A channel. It numbers its banks rank by rank, and bank group by bank group."""

    def __init__(self, timing: Timing) -> None:
        """Make a channel with all rows closed."""
        self.timing = timing
        banks = timing.ranks * timing.rank_banks
        self.open_row = [CLOSED] * banks
        self.open_banks = [0] * timing.ranks
        self._banks_in = (banks, timing.rank_banks, timing.banks, 1)
        """[level] the number of banks in one instance."""
        self._allowed = [
            [[0] * len(Command) for _ in range(banks // inside)] for inside in self._banks_in
        ]
        """[level][instance][command] the first cycle in which the rules allow the command."""
        self._path = [
            tuple(
                instances[bank // inside]
                for instances, inside in zip(self._allowed, self._banks_in, strict=True)
            )
            for bank in range(banks)
        ]
        """[bank] the lists of `_allowed` that apply to it, from channel to bank."""
        self._bus = [0, 0]
        """The first cycles in which the buses of row and of column commands are free."""
        self._effects = [self._effects_of(command) for command in Command]
        self._history: dict[tuple[int, int], deque[int]] = {}
        """(rule, instance) -> the last cycles of its preceding commands, for windows above 1."""

    def _effects_of(self, command: Command) -> list[_Effect]:
        """Return the rules that have the command as a preceding command."""
        return [
            _Effect(
                number,
                int(rule.level),
                tuple(map(int, rule.following)),
                rule.latency,
                rule.window,
                rule.sibling,
            )
            for number, rule in enumerate(self.timing.rules)
            if command in rule.preceding
        ]

    def earliest(self, command: int, bank: int) -> int:
        """Return a command's first legal cycle; a rank's command takes any bank of the rank."""
        channel, rank, group, inner = self._path[bank]
        bus = self._bus[_IS_COLUMN[command]]
        if _IS_RANK[command]:
            return max(bus, channel[command], rank[command])
        return max(bus, channel[command], rank[command], group[command], inner[command])

    def issue(self, command: int, bank: int, cycle: int, row: int = CLOSED) -> None:
        """Issue a command, which must be legal; ACT opens `row`."""
        for effect in self._effects[command]:
            node = bank // self._banks_in[effect.level]
            since = cycle if effect.window == 1 else self._window(effect, node, cycle)
            allowed_from = since + effect.latency
            instances = self._allowed[effect.level]
            bound = (
                instances[:node] + instances[node + 1 :] if effect.sibling else [instances[node]]
            )
            for allowed in bound:
                for following in effect.following:
                    allowed[following] = max(allowed[following], allowed_from)
        self._occupy(command, cycle)
        self._change_rows(command, bank, row)

    def _window(self, effect: _Effect, node: int, cycle: int) -> int:
        """Return the cycle of the window-th last preceding command, this command included.

        If there are fewer commands, the cycle is so early that the rule has no effect.
        """
        history = self._history.setdefault((effect.rule, node), deque(maxlen=effect.window))
        history.append(cycle)
        return history[0] if len(history) == effect.window else -effect.latency

    def _occupy(self, command: int, cycle: int) -> None:
        free = cycle + self.timing.command_cycles[command]
        if self.timing.separate_row_bus:
            self._bus[_IS_COLUMN[command]] = free
        else:
            self._bus = [free, free]

    def _change_rows(self, command: int, bank: int, row: int) -> None:
        per_rank = self.timing.rank_banks
        rank = bank // per_rank
        if command == _ACT:
            self.open_row[bank] = row
            self.open_banks[rank] += 1
        elif command in _CLOSES_BANK:
            self.open_row[bank] = CLOSED
            self.open_banks[rank] -= 1
        elif command == _PREA:
            self.open_row[rank * per_rank : (rank + 1) * per_rank] = [CLOSED] * per_rank
            self.open_banks[rank] = 0
