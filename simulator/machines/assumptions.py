"""Values of a hardware file that its comments mark as ASSUMED, with their reasons."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import yaml

from simulator.base.guard import read_text
from simulator.base.shipped import Kind, find

_MARK = re.compile(r"#.*?\bASSUMED:\s*(.+?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One marked key of a file."""

    key: str
    value: str
    """The value as text, as in the file."""
    reason: str
    table: str = ""
    """The DRAM or energy table that contains the key; "": the hardware file does."""


def assumptions(
    hardware_file: str | Path | None, *, dram: str = "fixed", energy: str | None = None
) -> tuple[Assumption, ...]:
    """Return the marked values of a run's files, in the order of the files.

    Args:
        hardware_file: path or shipped name; None if the hardware has no file.
        dram: `memory.dram.timing`: `fixed`, or the path or shipped name of a table.
        energy: path or shipped name of an energy table, if any.

    """
    found = () if hardware_file is None else _marked("hw_configs", hardware_file)
    if dram != "fixed":
        found += _marked("hw_configs/dram", dram, f"DRAM table {dram}")
    if energy is not None:
        found += _marked("hw_configs/energy", energy, f"energy table {energy}")
    return found


def _marked(kind: Kind, file: str | Path, table: str = "") -> tuple[Assumption, ...]:
    text = read_text(find(kind, file))
    reasons = _reasons(text.splitlines())
    return tuple(
        Assumption(key=key, value=node.value, reason=reasons[node.start_mark.line], table=table)
        for key, node in _values(yaml.compose(text), "")
        if node.start_mark.line in reasons
    )


def _reasons(lines: Sequence[str]) -> dict[int, str]:
    """Return the reason of each marked line by number; comments below in its column continue it."""
    reasons = {}
    for number, line in enumerate(lines):
        if found := _MARK.search(line):
            comment = re.compile(f" {{{line.index('#')}}}#\\s*(.+?)\\s*$")
            more = takewhile(bool, map(comment.match, lines[number + 1 :]))
            reasons[number] = " ".join([found[1], *(part[1] for part in more if part)])
    return reasons


def _values(node: yaml.Node | None, under: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Yield every dotted key with a plain value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _values(value, f"{under}.{key.value}".lstrip("."))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _values(value, f"{under}[{number}]")
    elif isinstance(node, yaml.ScalarNode):
        yield under, node
