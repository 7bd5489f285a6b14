"""Tests of a machine's page that are the same for every family, and the page's tables."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from simulator.program import Channel, Kind, Program, Unit


def tables(text: str) -> Iterator[list[list[str]]]:
    """Yield the cells of every table, its header first."""
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        header, _, *rows = (
            [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
        )
        yield [header, *rows]


def table_of(page: str, *header: str) -> list[list[str]]:
    """Return the rows of the only table whose header begins with these cells."""
    (rows,) = (rows for first, *rows in tables(page) if first[: len(header)] == list(header))
    return rows


def names(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


class MachinePage:
    """A page and the vocabulary of its machine; a family's tests subclass it."""

    page: str
    units: Sequence[Unit]
    kinds: Sequence[Kind]
    channels: Sequence[Channel]

    def programs(self) -> tuple[Program, ...]:
        """Programs in which every unit takes and gives all tokens that it can."""
        raise NotImplementedError  # each machine has its own

    def exchanged(self) -> set[tuple[str, str, str, str]]:
        """(unit, kind, `takes`, `begins` or `gives`, channel) of every command."""
        return {
            (unit.name, command.kind.name, what, amount.channel.name)
            for program in self.programs()
            for section in program.sections
            for unit, counts in section.counts.items()
            for command, _ in counts
            for what in ("takes", "begins", "gives")
            for amount in getattr(command, what)
        }

    def test_names_and_titles_of_the_channels(self) -> None:
        rows = table_of(self.page, "channel", "title")
        stated = [(names(name), title) for name, title, *_ in rows]
        assert stated == [({channel.name}, channel.title) for channel in self.channels]

    def test_units_and_kinds_of_commands(self) -> None:
        commands_table = next(tables(self.page.partition("### Commands\n")[2]))
        stated = [
            (*names(unit), *names(kind.partition(":")[0])) for unit, kind, _ in commands_table[1:]
        ]
        assert set(stated) == {(kind.unit.name, kind.name) for kind in self.kinds}
        assert list(dict(stated)) == [unit.name for unit in self.units]

    def test_givers_and_takers(self) -> None:
        givers: dict[str, set[str]] = defaultdict(set)
        takers: dict[str, set[str]] = defaultdict(set)
        for unit, _, what, channel in self.exchanged():
            (takers if what == "takes" else givers)[channel].add(unit)
        for name, _, giver, taker, *_ in table_of(self.page, "channel", "title"):
            stated, ends = (names(giver), names(taker)), name.strip("`")
            assert stated == (givers[ends], takers[ends])

    def test_tokens_of_every_command(self) -> None:
        units = {kind.name: kind.unit.name for kind in self.kinds}
        stated = {
            (units[header[0].strip("`")], header[0].strip("`"), what, channel.strip("`"))
            for header, *rows in tables(self.page)
            if header[1:] == ["channel", "tokens", "condition"]
            for what, channel, *_ in rows
        }
        assert stated == self.exchanged()
