"""What a single `--set` did: the same run with and without it."""

from dataclasses import dataclass


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
    """Why nothing changed; None where something did."""

    @property
    def sentence(self) -> str:
        """One line for people."""
        change = f"{self.key} {self.before} -> {self.after}"
        if self.reason:
            return f"{change} changes nothing: {self.reason}"
        percent = 100 * (self.time_ms_after / self.time_ms_before - 1)
        return (
            f"{change}: {self.time_ms_before:.4f} -> {self.time_ms_after:.4f} ms "
            f"({percent:+.2f} %), speedup {self.speedup_before:.3f} -> {self.speedup_after:.3f}"
        )
