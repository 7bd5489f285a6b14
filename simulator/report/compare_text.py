"""A comparison for readers: tables in the terminal, and Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console

from simulator.analysis.comparison import Compared
from simulator.base.lines import print_line
from simulator.base.version import __version__
from simulator.base.wording import in_yaml
from simulator.report.tables import ALWAYS, Column, Kind, Table, print_table

_FINGERPRINT = 12
"""The number of digits to show of a fingerprint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A table that both renderings show."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int]
    """Right-aligned columns."""
    words: frozenset[int] = frozenset()
    """Columns that wrap in the terminal."""
    importance: Mapping[str, int] = field(default_factory=dict)
    """The importance, by title, of the columns that narrow terminals omit."""


def print_comparison(comparison: Compared, console: Console) -> None:
    """Print the tables and the reasons."""
    for side in ("a", "b"):
        print_line(console, f"{side.upper()}: {_title(comparison, side)}")
    for section in _sections(comparison):
        print_line(console, "")
        print_table(_table(section), console)
    print_line(console, "")
    for sentence in _sentences(comparison):
        print_line(console, sentence)
    for note in comparison.notes:
        print_line(console, f"note: {note}")


def _table(section: _Section) -> Table:
    """Return a section as a table for the terminal, which wraps words."""
    columns = []
    for number, title in enumerate(section.header):
        cells = [row[number] for row in section.rows]
        kind: Kind = "number" if number in section.numbers else "label"
        if number in section.words:
            kind = "text"
        elif title in {"layer", "key"}:
            kind = "name"
        importance = section.importance.get(title, ALWAYS)
        columns.append(Column(title=title, cells=cells, kind=kind, importance=importance))
    return Table(title=section.title, columns=columns)


def markdown(comparison: Compared) -> str:
    """Return the tables and the reasons as a Markdown document."""
    lines = [
        f"# {comparison.name_a} against {comparison.name_b}",
        "",
        f"Written by `simulate compare`, version {__version__}.",
        "",
        f"- A: {_title(comparison, 'a')}",
        f"- B: {_title(comparison, 'b')}",
        "",
        "## Reasons",
        "",
        *(f"- {sentence}" for sentence in _sentences(comparison)),
    ]
    if comparison.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in comparison.notes)]
    for section in _sections(comparison):
        rules = ("---:" if n in section.numbers else "---" for n in range(len(section.header)))
        lines += ["", f"## {section.title}", ""]
        lines += [_line(section.header), _line(tuple(rules)), *map(_line, section.rows)]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _title(comparison: Compared, side: str) -> str:
    name, saved = getattr(comparison, f"name_{side}"), getattr(comparison, side)
    run = f"{saved.model} at {saved.bits:g} bit on {saved.hardware}"
    return f"{name} ({run}; {saved.scope.sentence})"


def _sentences(comparison: Compared) -> list[str]:
    percent = 100 * (comparison.b.time_ms / comparison.a.time_ms - 1)
    word = "more" if percent >= 0 else "less"
    found = [f"B takes {abs(percent):.2f} % {word} time than A: {'; '.join(comparison.why)}"]
    for side, names in zip("AB", comparison.only_in, strict=True):
        if names:
            found.append(f"only {side} has {len(names)} layers: {', '.join(names)}")
    return found


def _sections(comparison: Compared) -> list[_Section]:
    return [
        _Section(
            title=f"The whole run (TOPS: {'; '.join(comparison.operations_counted)})",
            header=("figure", "unit", "A", "B", "change %"),
            rows=[
                (t["figure"], t["unit"], _figure(t["a"]), _figure(t["b"]), _percent(t["percent"]))
                for t in comparison.totals
            ],
            numbers=frozenset({2, 3, 4}),
        ),
        _Section(
            title="Differences in configuration",
            header=("key", "A", "B", "layers"),
            rows=[
                (d.key, _shown(d.key, d.a), _shown(d.key, d.b), d.layers or "")
                for d in comparison.configuration
            ]
            or [("nothing", "", "", "")],
            numbers=frozenset({1, 2}),
            words=frozenset({1, 2, 3}),
            importance={"layers": 10},
        ),
        _Section(
            title=f"Time by layer ({_of_the_run(comparison, 'cycles')})",
            header=("layer", "A", "B", "change", "change %", "changes by category (cycles)"),
            rows=[
                (c.layer, f"{c.cycles_a:,}", f"{c.cycles_b:,}", f"{c.change:+,}",
                 _percent(c.percent), c.why)
                for c in comparison.layers
            ],
            numbers=frozenset({1, 2, 3, 4}),
            words=frozenset({5}),
            importance={"change": 20, "changes by category (cycles)": 10},
        ),
        *_energy(comparison),
    ]  # fmt: skip


def _energy(comparison: Compared) -> list[_Section]:
    """Return the table of energy by layer, if both results have energies."""
    rows = [
        (c.layer, f"{a:,.4f}", f"{b:,.4f}", f"{100 * (b / a - 1):+.2f}")
        for c in comparison.layers
        if (a := c.energy_a_uj) and (b := c.energy_b_uj)
    ]
    header = ("layer", "A", "B", "change %")
    section = _Section(
        title=f"Energy by layer ({_of_the_run(comparison, 'µJ')})",
        header=header,
        rows=rows,
        numbers=frozenset({1, 2, 3}),
    )
    return [section] if rows else []


def _of_the_run(comparison: Compared, unit: str) -> str:
    """A unit and, if a result has a baseline, whose figures these are."""
    has_baseline = comparison.a.baseline or comparison.b.baseline
    return f"{unit} of the run, not of the baseline" if has_baseline else unit


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def _shown(key: str, value: object) -> str:
    """Return a value of the configuration as in its file; for a fingerprint, its first digits."""
    if key.endswith("_sha256") and isinstance(value, str):
        return f"{value[:_FINGERPRINT]}..."
    return "none" if value is None else in_yaml(value)
