"""Result of `compare`: two results side by side, as text or data."""

from dataclasses import dataclass

from simulator.analysis.comparison import Compared
from simulator.report import compare_text
from simulator.report.printed import printed


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Compared):
    """The comparison of result B with result A."""

    def __str__(self) -> str:
        """The tables and the reasons, within 80 columns."""
        return printed(lambda console: compare_text.print_comparison(self, console))

    def markdown(self) -> str:
        """The tables and the reasons as a Markdown document."""
        return compare_text.markdown(self)
