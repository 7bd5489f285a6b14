"""The channels of a running program: the given tokens, and the takers that wait for tokens."""

from itertools import accumulate
from typing import NamedTuple

import simpy

from simulator.program import Channel, Program
from simulator.program.faults import tokens_of


class Lot(NamedTuple):
    """Tokens `first` to `behind` - 1 of a channel."""

    first: int
    behind: int


class Tokens:
    """The tokens of one channel, by number: the initial tokens, then section by section."""

    def __init__(self, env: simpy.Environment, program: Program, channel: Channel) -> None:
        """Number the tokens of a channel.

        Args:
            env: the environment in which the program runs.
            program: determines the number of tokens that each section gives and takes.
            channel: a channel of the program.

        """
        self.channel = channel
        start = program.channels[channel]
        gives = [tokens_of(section.gives, channel) for section in program.sections]
        takes = [tokens_of(section.takes, channel) for section in program.sections]
        self.first_given = list(accumulate(gives, initial=start))
        """[sections + 1] number of the first token that each section gives."""
        self._gives_next = self.first_given[:-1]
        self._takes_next = list(accumulate(takes, initial=0))
        self._env = env
        self._upto = start
        """The giver has given every token before this one."""
        self._early: dict[int, int] = {}
        """Later lots that came early: first token -> token after the last."""
        self._waiting: dict[Lot, simpy.Event] = {}

    def to_take(self, section: int, tokens: int) -> Lot:
        """Number the tokens that the next command of a section's taker needs."""
        first = self._takes_next[section]
        self._takes_next[section] += tokens
        return Lot(first, first + tokens)

    def to_give(self, section: int, tokens: int) -> Lot:
        """Number the tokens that a command of a section's giver will give."""
        first = self._gives_next[section]
        self._gives_next[section] += tokens
        return Lot(first, first + tokens)

    def give(self, lot: Lot) -> None:
        """Give a lot, and wake every unit that has waited for it."""
        self._early[lot.first] = lot.behind
        while self._upto in self._early:
            self._upto = self._early.pop(self._upto)
        if self._waiting:
            for wanted in [wanted for wanted in self._waiting if self.has(wanted)]:
                self._waiting.pop(wanted).succeed()

    def has(self, lot: Lot) -> bool:
        """True if every token of a lot is available."""
        return lot.behind <= self._upto or self.lacking(lot) is None

    def lacking(self, lot: Lot) -> int | None:
        """Return the first missing token of a lot; None: all tokens are available."""
        number = max(lot.first, self._upto)
        while number < lot.behind:
            ends = (end for first, end in self._early.items() if first <= number < end)
            behind = next(ends, None)
            if behind is None:
                return number
            number = behind
        return None

    def wait_for(self, lot: Lot) -> simpy.Event:
        """Return an event that triggers when the whole lot is available."""
        self._waiting[lot] = self._env.event()
        return self._waiting[lot]
