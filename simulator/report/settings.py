"""The effect of a single `--set`: the same run with and without it."""

from dataclasses import dataclass

from simulator.report.wording import different, signed_percent, time_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEffect:
    """One overridden key of the hardware file."""

    key: str
    before: object
    after: object
    time_ms_before: float | None
    """None if the run is not possible without the setting."""
    time_ms_after: float
    speedup_before: float | None
    speedup_after: float
    reason: str | None
    """Why the setting had no effect, or why the run needs it, as a clause after "because"; None if
    it had an effect."""
    causes: tuple[str, ...] = ()
    """Why time or speedup changed, as phrases, the largest cause first."""

    @property
    def sentence(self) -> str:
        """The effect with its causes, or the reason why there is none, as one line."""
        change = f"{self.key} {_shown(self.before)} -> {_shown(self.after)}"
        if self.time_ms_before is None or self.speedup_before is None:
            return f"{change} makes the run possible because {self.reason}."
        if self.reason:
            return f"{change} has no effect because {self.reason}."
        causes = "".join(f"; {cause}" for cause in self.causes).replace(";", ":", 1)
        time, speedup = self._time(self.time_ms_before), self._speedup(self.speedup_before)
        return f"{change} {time} and {speedup}{causes}."

    def _time(self, time_ms_before: float) -> str:
        before, after = time_pair(time_ms_before, self.time_ms_after)
        if time_ms_before == self.time_ms_after:
            return f"leaves the run at {after}"
        verb = "shortens" if self.time_ms_after < time_ms_before else "lengthens"
        percent = signed_percent(self.time_ms_after / time_ms_before - 1)
        return f"{verb} the run from {before} to {after} ({percent})"

    def _speedup(self, speedup_before: float) -> str:
        before, after = different(speedup_before, self.speedup_after)
        if speedup_before == self.speedup_after:
            return f"leaves the speedup at {after}×"
        return f"changes the speedup from {before}× to {after}×"


def _shown(value: object) -> object:
    return "unset" if value is None else value
