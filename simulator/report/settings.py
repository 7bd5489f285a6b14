"""The effect of a single `--set`: the same run with and without it."""

from dataclasses import dataclass

from simulator.report.wording import different, signed_percent, time_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEffect:
    """One overridden key of the hardware file."""

    key: str
    before: object
    after: object
    time_ms_before: float
    time_ms_after: float
    speedup_before: float
    speedup_after: float
    reason: str | None
    """Why the setting had no effect, as a clause after "because"; None if it had one."""

    @property
    def sentence(self) -> str:
        """The effect, or the reason why there is none, as one line."""
        change = f"{self.key} {_shown(self.before)} -> {_shown(self.after)}"
        if self.reason:
            return f"{change} has no effect because {self.reason}."
        return f"{change} {self._time} and {self._speedup}."

    @property
    def _time(self) -> str:
        before, after = time_pair(self.time_ms_before, self.time_ms_after)
        if self.time_ms_before == self.time_ms_after:
            return f"leaves the run at {after}"
        verb = "shortens" if self.time_ms_after < self.time_ms_before else "lengthens"
        percent = signed_percent(self.time_ms_after / self.time_ms_before - 1)
        return f"{verb} the run from {before} to {after} ({percent})"

    @property
    def _speedup(self) -> str:
        before, after = different(self.speedup_before, self.speedup_after)
        if self.speedup_before == self.speedup_after:
            return f"leaves the speedup at {after}×"
        return f"changes the speedup from {before}× to {after}×"


def _shown(value: object) -> object:
    return "unset" if value is None else value
