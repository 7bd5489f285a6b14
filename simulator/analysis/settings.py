"""The effect of a single `--set`: the same run with and without it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from simulator.base.wording import different, in_yaml, signed_percent, time_pair
from simulator.machines import Hardware, value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMoved:
    """A linked key that follows an overridden key."""

    key: str
    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEffect:
    """One overridden key of the hardware file."""

    key: str
    before: object
    after: object
    time_ms_before: float | None
    """The run's time without the override; None if such a run is impossible."""
    time_ms_after: float
    speedup_before: float | None
    """None as the time is, or if the run has no baseline."""
    speedup_after: float | None
    """None if the run has no baseline."""
    reason: str | None
    """The reason why the override has no effect, or why the run needs it, as a clause after
    "because"; None if it has an effect."""
    causes: tuple[str, ...] = ()
    """The causes of a change of time or speedup as phrases, the largest first."""
    expression: str | None = None
    """The expression that gives `after`, for a linked key."""
    linked: tuple[LinkMoved, ...] = ()
    """Linked keys that the override changed too."""
    dram: str | None = None
    """The effect of another clock on a DRAM with fixed timing, as a clause; None: no effect."""

    @property
    def sentence(self) -> str:
        """The effect with its causes, or the reason for no effect, as one line."""
        change = f"{self.key} {_shown(self.before)} -> {_shown(self.after)}{self._links}"
        if self.time_ms_before is None:
            return f"{change} makes the run possible because {self.reason}."
        if self.reason:
            return f"{change} has no effect because {self.reason}."
        causes = "".join(f"; {cause}" for cause in self.causes).replace(";", ":", 1)
        return f"{change} {self._time(self.time_ms_before)}{self._speedup}{causes}."

    @property
    def note(self) -> str:
        """The note of a run in which the key, with this value, has no effect."""
        return f"{self.key} {_shown(self.after)} has no effect because {self.reason}."

    def plain(self) -> dict[str, Any]:
        """Its fields as plain data, without those of a baseline that the run does not have."""
        fields = asdict(self)
        if self.speedup_after is None:
            del fields["speedup_before"], fields["speedup_after"]
        return fields

    @property
    def _links(self) -> str:
        """The key's own expression, the linked keys that follow it, and the DRAM."""
        parts = [] if self.expression is None else [self.expression]
        parts += [f"{x.key} {_shown(x.before)} -> {_shown(x.after)}" for x in self.linked]
        parts += [] if self.dram is None else [self.dram]
        return f" ({'; '.join(parts)})" if parts else ""

    def _time(self, time_ms_before: float) -> str:
        before, after = time_pair(time_ms_before, self.time_ms_after)
        if time_ms_before == self.time_ms_after:
            return f"leaves the run at {after}"
        verb = "shortens" if self.time_ms_after < time_ms_before else "lengthens"
        percent = signed_percent(self.time_ms_after / time_ms_before - 1)
        return f"{verb} the run from {before} to {after} ({percent})"

    @property
    def _speedup(self) -> str:
        """The last part of the sentence; nothing without a baseline."""
        if self.speedup_before is None or self.speedup_after is None:
            return ""
        before, after = different(self.speedup_before, self.speedup_after)
        if self.speedup_before == self.speedup_after:
            return f" and leaves the speedup at {after}×"
        return f" and changes the speedup from {before}× to {after}×"


def expressions(hardware: Hardware) -> dict[str, str]:
    """Return the expression of each linked key."""
    return {link.key: link.expression for link in hardware.links}


def expression_of(hardware: Hardware, key: str) -> str | None:
    """Return the expression of a key; None if it has none."""
    return expressions(hardware).get(key)


def moved_links(key: str, before: Hardware, after: Hardware) -> tuple[LinkMoved, ...]:
    """Return the linked keys whose values an overridden key changed, without the key itself."""
    return tuple(
        LinkMoved(key=link.key, before=old, after=new)
        for link in after.links
        if link.key != key
        and (old := value_of(before, link.key)) != (new := value_of(after, link.key))
    )


def link_notes(hardware: Hardware, settings: Iterable[SettingEffect]) -> list[str]:
    """Return one sentence for each linked key of the hardware: its value and its expression."""
    told = {effect.key for effect in settings}
    return [
        f"{link.key} is {_shown(value_of(hardware, link.key))}, which follows from other keys: "
        f"{link.expression}."
        for link in hardware.links
        if link.key not in told
    ]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return "unset" if value is None else in_yaml(value)
