"""Tables in the terminal, which never cut a number.

Every table of the program is a `Table`. If its columns are wider than the terminal, it shows
numbers in coarser units. If that is not enough, it omits the least important columns. A table
whose columns all matter continues them in a further block instead. A table shortens names in the
middle only if the most important columns do not fit otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from simulator.base.lines import print_line, shown, words, wrapped

Kind = Literal["number", "label", "name", "text"]
ALWAYS = 100
"""The importance of columns that a table never omits."""
_LEAST_TEXT = 24
"""The least width of a column of text in characters, unless all of its cells are shorter."""
_SHORT_NAME = 3
"""The console's width over the greatest width of a shortened name."""
_ELLIPSIS = "…"


class Form(NamedTuple):
    """A column's title and cells in one unit."""

    title: str
    cells: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    """The title, which wraps between words; a line feed always breaks it."""
    cells: Sequence[str]
    kind: Kind = "number"
    """The kind: numbers align right, all others left. A table never cuts numbers or labels, but may
    shorten names and wraps texts."""
    importance: int = ALWAYS
    """The importance; a narrow table omits the least important column first."""
    wide: bool = False
    """True for a column that a table shows only in free space, with its title's line breaks."""
    apart: bool = False
    """True to add a blank before the column, if the space suffices."""
    coarser: Sequence[Form] = ()
    """The same numbers in larger and larger units."""
    unit: str = ""
    """The unit; columns with the same unit change it together."""

    @property
    def least(self) -> int:
        """The least width of the column in characters, with wrapped title and texts."""
        title = max(map(cell_len, words(self.title)), default=0)
        if self.kind != "text":
            return max(title, self.longest)
        word = max((cell_len(each) for cell in self.cells for each in words(cell)), default=0)
        return max(title, word, min(self.longest, _LEAST_TEXT))

    @property
    def most(self) -> int:
        """The width of the column in characters without wrapping."""
        return max(self.longest, *(cell_len(line) for line in self.title.split("\n")))

    @property
    def longest(self) -> int:
        """The width of the longest cell in characters."""
        return max(map(cell_len, self.cells), default=0)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of equally many cells."""

    columns: Sequence[Column]
    title: str = ""
    sums: frozenset[int] = frozenset()
    """The rows in bold."""
    ruled: frozenset[int] = frozenset()
    """The rows with a rule above them."""
    continued: bool = False
    """True if columns that do not fit follow in further blocks, after the first column."""


def print_table(table: Table, console: Console) -> list[str]:
    """Print a table within the console's width; return the titles of its visible columns."""
    if table.title:
        print_line(console, table.title)
        print_line(console, "")
    columns = [_in_characters(column, console.encoding) for column in table.columns]
    width = console.width
    blocks = _blocks(columns, width) if table.continued else [_fitted(columns, width)]
    for number, block in enumerate(blocks):
        if number:
            print_line(console, "")
        _Layout(block, width).draw(table, console)
    return [column.title for block in blocks for column in block]


def scaled(
    title: str, values: Sequence[float | None], decimals: int = 0, prefixes: str = " kMGT"
) -> list[Form]:
    """Return unscaled numbers, then numbers in thousands, in millions and so on.

    Args:
        title: the title, which ends in the unit, such as `cycles`; prefixes apply to the unit.
        values: the numbers; None leaves a cell empty.
        decimals: decimals of the unscaled numbers; coarser forms keep two digits of the smallest.
        prefixes: prefixes of the unit, each a thousand times the previous one; a blank means none.

    """
    some = [abs(value) for value in values if value]
    least, most = min(some, default=0), max(some, default=0)
    head, _, unit = title.rpartition("\n")
    forms = []
    for exponent, prefix in enumerate(prefixes):
        factor = 1000**exponent
        if exponent and most < 10 * factor:
            break
        digits = _decimals(least / factor) if exponent else decimals
        cells = ["" if value is None else f"{value / factor:,.{digits}f}" for value in values]
        forms.append(Form("\n".join(filter(None, (head, prefix.strip() + unit))), cells))
    return forms


def _decimals(least: float) -> int:
    """Return the decimals with which a number keeps two digits."""
    digits = 0
    while 0 < least < 10 and digits < 9:
        least *= 10
        digits += 1
    return digits


def _in_characters(column: Column, encoding: str) -> Column:
    """Return the column in characters that the terminal supports."""

    def form(title: str, cells: Iterable[str]) -> Form:
        return Form(shown(title, encoding), [shown(cell, encoding) for cell in cells])

    title, cells = form(column.title, column.cells)
    coarser = [form(*each) for each in column.coarser]
    return replace(column, title=title, cells=cells, coarser=coarser)


# --- choice of columns -------------------------------------------------------------------------


def _needed(columns: Sequence[Column]) -> int:
    """Return the least width of columns in characters, with one blank between them."""
    return sum(column.least for column in columns) + len(columns) - 1


def _fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that fit, in units in which they fit."""
    most_important = sorted(columns, key=lambda column: (column.wide, -column.importance))
    main = [column for column in most_important if not column.wide]
    while (kept := _in_units(main, width)) is None and main[-1].importance < ALWAYS:
        main.pop()
    if kept is None:
        return _with_short_names(columns, width)
    chosen = dict(zip(map(id, main), kept, strict=True))
    whole = len(main) == sum(not column.wide for column in columns)
    for column in most_important[len(main) :]:
        needed = _needed(list(chosen.values())) + 1 + (column.most if column.wide else column.least)
        if (whole or not column.wide) and needed <= width:
            chosen[id(column)] = column
    return [chosen[id(column)] for column in columns if id(column) in chosen]


def _in_units(columns: Sequence[Column], width: int) -> list[Column] | None:
    """Return the columns in units that fit, or None; the least important columns change first."""
    columns = list(columns)
    while _needed(columns) > width:
        for unit in dict.fromkeys(c.unit or c.title for c in reversed(columns) if c.coarser):
            changed = [_coarser(c) if (c.unit or c.title) == unit else c for c in columns]
            if _needed(changed) < _needed(columns):
                columns = changed
                break
        else:
            return None
    return columns


def _coarser(column: Column) -> Column:
    """Return the column in its next larger unit."""
    if not column.coarser:
        return column
    (title, cells), *coarser = column.coarser
    unit = column.unit or column.title
    return replace(column, title=title, cells=cells, coarser=coarser, unit=unit)


def _with_short_names(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that fit with shorter names; those of importance `ALWAYS` may not fit."""
    most = max(width // _SHORT_NAME, 1)
    short = [
        replace(column, cells=[_shortened(cell, most) for cell in column.cells], kind="label")
        if column.kind == "name"
        else column
        for column in columns
    ]
    if any(column.kind == "name" and column.longest > most for column in columns):
        return _fitted(short, width)
    return [column for column in columns if not column.wide and column.importance >= ALWAYS]


def _shortened(name: str, most: int) -> str:
    """Return a name of at most `most` characters, mainly its end, which distinguishes layers."""
    if cell_len(name) <= most:
        return name
    head, tail = name[: (most - 1) // 3], name[-((most - 1) * 2 // 3) :]
    while tail and cell_len(head + tail) >= most:
        head, tail = head[:-1], tail[1:]
    return head + _ELLIPSIS + tail


def _blocks(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Return all columns, in as many blocks as necessary; each begins with the first column."""
    first, *others = columns
    if first.longest > width // 2:
        most = max(width // _SHORT_NAME, 1)
        first = replace(first, cells=[_shortened(cell, most) for cell in first.cells])
    blocks = [[first]]
    for column in others:
        if len(blocks[-1]) > 1 and _needed([*blocks[-1], column]) > width:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


# --- drawing -----------------------------------------------------------------------------------


class _Layout:
    """Columns that fit; gaps, titles and texts share the free space."""

    def __init__(self, columns: Sequence[Column], width: int) -> None:
        self.columns = columns
        self.widths = [column.least for column in columns]
        left = width - _needed(columns)
        self.gaps = [0] + [1] * (len(columns) - 1)
        if left >= len(columns) - 1 and all(c.kind != "text" for c in columns):
            self.gaps = [0] + [2] * (len(columns) - 1)
            left -= len(columns) - 1
        else:
            for number, column in enumerate(columns):
                if column.apart and left > 0:
                    self.gaps[number] += 1
                    left -= 1
        left = self._widen([n for n, c in enumerate(columns) if c.kind != "text"], left)
        self._widen([n for n, c in enumerate(columns) if c.kind == "text"], left)

    def _widen(self, numbers: Sequence[int], left: int) -> int:
        """Give columns that wrap an equal part of the space `left`; return the rest."""
        for place, number in enumerate(numbers):
            part = left // (len(numbers) - place)
            wanted = self.columns[number].most - self.widths[number]
            given = max(0, min(wanted, part if self.columns[number].kind == "text" else left))
            self.widths[number] += given
            left -= given
        return left

    def draw(self, table: Table, console: Console) -> None:
        """Print titles, a rule and rows."""
        rule = shown("─", console.encoding) * (sum(self.widths) + sum(self.gaps))
        titles = [
            [line for part in column.title.split("\n") for line in wrapped(part, width)]
            for column, width in zip(self.columns, self.widths, strict=True)
        ]
        height = max(map(len, titles))
        self._print([[""] * (height - len(lines)) + lines for lines in titles], "", console)
        _print_whole(rule, "", console)
        for row in range(len(self.columns[0].cells)):
            if row in table.ruled:
                _print_whole(rule, "", console)
            cells = [
                wrapped(column.cells[row], width) if column.kind == "text" else [column.cells[row]]
                for column, width in zip(self.columns, self.widths, strict=True)
            ]
            self._print(cells, "bold" if row in table.sums else "", console)

    def _print(self, cells: Sequence[Sequence[str]], style: str, console: Console) -> None:
        """Print one row, whose cells are lists of lines."""
        for lines in zip_longest(*cells, fillvalue=""):
            parts = []
            for text, column, width, gap in zip(
                lines, self.columns, self.widths, self.gaps, strict=True
            ):
                blank = " " * (width - cell_len(text))
                parts.append(
                    " " * gap + (blank + text if column.kind == "number" else text + blank)
                )
            _print_whole("".join(parts).rstrip(), style, console)


def _print_whole(line: str, style: str, console: Console) -> None:
    console.print(Text(line, style=style), highlight=False, soft_wrap=True)
