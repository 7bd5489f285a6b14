"""Guarantees of the contract that hold before a program runs, by counting tokens times loops."""

from collections.abc import Iterable, Mapping

from simulator.program.contract import Balance, Body, Command, Loop, Skip, Unit
from simulator.program.parts import ProgramParts
from simulator.program.section import Flows, Section, counted, tokens_of


class ProgramError(Exception):
    """A program breaks the contract: a fault of the machine that wrote it, not of its user."""


def check(program: ProgramParts) -> None:
    """Raise if a program breaks the contract.

    Raises:
        ProgramError: a section has two givers or two takers of a channel, or gives more or less
            than it takes; a section takes what a later section gives, other than space; a token is
            never taken or never given; a command is in another unit's program; a word is not in
            the program's vocabulary, or twice; a number is negative or too small; a section has no
            name.

    """
    if len(program.names) != len(program.sections):
        raise ProgramError(f"{len(program.sections)} sections have {len(program.names)} names")
    _check_vocabulary(program)
    for section in dict.fromkeys(program.sections):
        name = program.names[program.sections.index(section)]
        _check_words(program, section, name)
        _check_ends(section.gives, "givers", name)
        _check_ends(section.takes, "takers", name)
        _check_balance(section, name)
    _check_edges(program)


def _check_vocabulary(program: ProgramParts) -> None:
    """No word occurs twice, numbers are possible, and ports belong to units of the program."""
    for words in (program.units, program.kinds, program.channels):
        names = [word.name for word in words]
        for name in names:
            if names.count(name) > 1:
                raise ProgramError(f"{name} is in the vocabulary twice")
    for channel, start in program.channels.items():
        if start < 0:
            raise ProgramError(f"{channel.name} starts with {start} tokens")
    for name, rate in program.rates.items():
        if rate.bytes_per_cycle <= 0 or rate.latency < 0:
            raise ProgramError(f"rate {name} has a rate of 0 or less, or a negative latency")
    for port in program.ports:
        if port.reader not in program.units or port.writer not in program.units:
            raise ProgramError("a unit of a port is not in the vocabulary")


def _check_words(program: ProgramParts, section: Section, name: str) -> None:
    """Every unit, kind, rate and channel is in the vocabulary, every command on its own unit."""
    units, kinds = set(program.units), set(program.kinds)
    for unit, body in section.bodies.items():
        if unit not in units:
            raise ProgramError(f"{name}: unit {unit.name} is not in the vocabulary")
        _check_parts(body, name)
        for command in dict.fromkeys(command for command, _ in counted(body)):
            kind = command.kind
            if kind not in kinds:
                raise ProgramError(f"{name}: kind {kind.name} is not in the vocabulary")
            if kind.unit is not unit:
                raise ProgramError(f"{name}: {kind.name} is in the program of {unit.name}")
            if kind.rate is not None and kind.rate not in program.rates:
                raise ProgramError(f"{name}: rate {kind.rate} of {kind.name} is not known")
            _check_numbers(command, name)
    for channel in (*section.gives, *section.takes):
        if channel not in program.channels:
            raise ProgramError(f"{name}: channel {channel.name} is not in the vocabulary")


def _check_parts(body: Body, name: str) -> None:
    """A loop runs at least once, and no unit goes back."""
    for part in body:
        if isinstance(part, Skip) and part.steps < 0:
            raise ProgramError(f"{name}: a skip of {part.steps} steps")
        if isinstance(part, Loop):
            if part.times < 1:
                raise ProgramError(f"{name}: a loop runs {part.times} times")
            _check_parts(part.body, name)


def _check_numbers(command: Command, name: str) -> None:
    amounts = (tokens for _, tokens in (*command.takes, *command.gives, *command.begins))
    least = min((command.cycles, command.penalty, command.bytes, command.pes, *amounts))
    if least < 0 or command.steps < 0:
        raise ProgramError(f"{name}: a number of {command.kind.name} is negative")
    if command.penalty > command.cycles:
        raise ProgramError(f"{name}: {command.kind.name} has a penalty of more than its cycles")


def _check_ends(flows: Flows, ends: str, name: str) -> None:
    """In a section a channel has one giver and one taker."""
    for channel, units in flows.items():
        if len(units) > 1:
            raise ProgramError(f"{name}: {channel.name} has {len(units)} {ends}: {_named(units)}")


def _check_balance(section: Section, name: str) -> None:
    """A section gives what it takes, unless the channel is an edge between sections."""
    for channel in dict.fromkeys((*section.gives, *section.takes)):
        gives, takes = tokens_of(section.gives, channel), tokens_of(section.takes, channel)
        if channel.balance is Balance.SECTION and gives != takes:
            raise ProgramError(f"{name}: gives {gives} tokens of {channel.name}, takes {takes}")


def _check_edges(program: ProgramParts) -> None:
    """Edges balance over the program, and no section takes what only a later one gives."""
    for channel, start in program.channels.items():
        if channel.balance is Balance.SECTION:
            continue
        given, taken = 0, 0
        for name, section in zip(program.names, program.sections, strict=True):
            given += tokens_of(section.gives, channel)
            taken += tokens_of(section.takes, channel)
            if channel.balance is Balance.EDGE and taken > given + start:
                raise ProgramError(f"{name}: takes tokens of {channel.name} that come later")
        if given != taken:
            raise ProgramError(f"the program gives {given} tokens of {channel.name}, takes {taken}")


def _named(units: Iterable[Unit] | Mapping[Unit, int]) -> str:
    return ", ".join(sorted(unit.name for unit in units))
