"""Static checks of a program against its contract, which count tokens times loops."""

from simulator.program.contract import Balance, Category
from simulator.program.faults import tokens_of
from simulator.program.parts import ProgramParts
from simulator.program.section import Section


class ProgramError(Exception):
    """A program breaks the contract: an error of the machine that wrote it, not of its user."""


def check(program: ProgramParts) -> None:
    """Raise an error if a program breaks the contract.

    Raises:
        ProgramError: the program breaks the contract in one of these ways:

            - A section has two givers or two takers of a channel, or gives more or less than it
              takes.
            - A section takes tokens that a later section gives, other than space.
            - No command takes a token, or no command gives it.
            - A command is in another unit's program.
            - A term is missing from the program's vocabulary, or occurs twice.
            - Ports count conflicts as different categories.
            - A number is negative or too small.
            - A section has no name.
            - All layers run at once, but in several sections; or only some units have a layer, a
              unit's layer has no name, or a category counts cycles of several layers.

    """
    if program.at_once:
        _check_layers(program)
    elif len(program.names) != len(program.sections):
        raise ProgramError(f"{len(program.sections)} sections have {len(program.names)} names")
    _check_vocabulary(program)
    for section in dict.fromkeys(program.sections):
        name = "program" if program.at_once else program.names[program.sections.index(section)]
        _check_words(program, section, name)
        if section.faults:
            raise ProgramError(f"{name}: {section.faults[0]}")
    _check_edges(program)


def _check_layers(program: ProgramParts) -> None:
    """Check that units and categories belong to one layer each, if all layers run at once."""
    if len(program.sections) != 1:
        raise ProgramError(f"layers run at once, but in {len(program.sections)} sections")
    for unit in program.units:
        if unit.layer not in program.names:
            raise ProgramError(f"unit {unit.name}: layer {unit.layer!r} has no name")
    layer_of: dict[Category, str] = {}
    for kind in program.kinds:
        for category in filter(None, kind.counts_as or ()):
            if layer_of.setdefault(category, kind.unit.layer) != kind.unit.layer:
                raise ProgramError(
                    f"category {category.name} counts cycles of several layers: "
                    f"{layer_of[category]} and {kind.unit.layer}"
                )


def _check_vocabulary(program: ProgramParts) -> None:
    """Check that terms are unique, numbers are possible, and ports have units of the program."""
    own = (kind.name for kind in program.kinds if kind.counts_as is None)
    for names in (
        [unit.name for unit in program.units],
        [kind.name for kind in program.kinds],
        [channel.name for channel in program.channels],
        [*(each.name for each in program.categories or program.named_categories), *own],
    ):
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
    _check_categories(program)


def _check_categories(program: ProgramParts) -> None:
    """Check that a list of categories is complete or empty, and that ports agree on theirs."""
    for category in program.named_categories if program.categories else ():
        if category not in program.categories:
            raise ProgramError(f"category {category.name} is not in the vocabulary")
    if len({port.conflict for port in program.ports}) > 1:
        raise ProgramError("ports name different categories for their conflicts")


def _check_words(program: ProgramParts, section: Section, name: str) -> None:
    """Check that every unit, kind, rate and channel is in the vocabulary."""
    for what, used, known in (
        ("unit", section.bodies, program.units),
        ("kind", section.kinds, program.kinds),
        ("channel", section.channels, program.channels),
    ):
        if unknown := [word for word in used if word not in known]:
            raise ProgramError(f"{name}: {what} {unknown[0].name} is not in the vocabulary")
    for kind in section.kinds:
        if kind.rate is not None and kind.rate not in program.rates:
            raise ProgramError(f"{name}: rate {kind.rate} of {kind.name} is not known")


def _check_edges(program: ProgramParts) -> None:
    """Check that edges balance, and that no section takes tokens that only a later one gives."""
    names = ("program",) if program.at_once else program.names
    for channel, start in program.channels.items():
        if channel.balance is Balance.SECTION:
            continue
        given, taken = 0, 0
        for name, section in zip(names, program.sections, strict=True):
            given += tokens_of(section.gives, channel)
            taken += tokens_of(section.takes, channel)
            if channel.balance is Balance.EDGE and taken > given + start:
                raise ProgramError(f"{name}: takes tokens of {channel.name} that come later")
        if given != taken:
            raise ProgramError(f"the program gives {given} tokens of {channel.name}, takes {taken}")
