"""Values of a hardware file that its comments mark as ASSUMED, with their reasons."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from simulator.shipped import find

_MARK = re.compile(r"#\s*ASSUMED:\s*(.+?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One marked key of the file."""

    key: str
    value: str
    """As it stands in the file."""
    reason: str


def assumptions(hardware_file: str | Path) -> tuple[Assumption, ...]:
    """Return the marked values of a hardware file that `load_hardware` has read, in its order.

    Args:
        hardware_file: path or shipped name.

    """
    text = find("hw_configs", hardware_file).read_text(encoding="utf-8")
    reasons = {
        number: found[1]
        for number, line in enumerate(text.splitlines())
        if (found := _MARK.search(line))
    }
    return tuple(
        Assumption(key=key, value=node.value, reason=reasons[node.start_mark.line])
        for key, node in _values(yaml.compose(text), "")
        if node.start_mark.line in reasons
    )


def _values(node: yaml.Node | None, under: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Every dotted key with a plain value."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _values(value, f"{under}.{key.value}".lstrip("."))
    elif isinstance(node, yaml.ScalarNode):
        yield under, node
