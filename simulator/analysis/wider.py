"""Values of a wider scope: the same network on the same machine, with more kinds of layers."""

from dataclasses import dataclass
from typing import Any

from simulator.workload.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider:
    """The totals of the runs in a wider scope."""

    scope: Scope
    totals: dict[str, Any]
    """`cycles`, `time_ms` and, with a baseline, `speedup` and the `baseline`'s values; or the
    `error` that makes the runs impossible."""
    said: str
    """The speedup and the times in words, or the reason."""
    configuration: dict[str, Any]
    """The configured network of the run and of the baseline, if any, as plain data."""

    @property
    def sentence(self) -> str:
        """The totals in one sentence without a period."""
        layers = "every layer" if self.scope == "network" else "every layer with weights"
        return f"with {layers} (scope {self.scope}): {self.said}"

    def plain(self) -> dict[str, Any]:
        """Return the values as plain data."""
        return {
            "scope": self.scope,
            "sentence": self.sentence,
            **self.totals,
            "configuration": self.configuration,
        }
