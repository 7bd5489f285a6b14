"""Result of `simulate`: an outcome with methods to print, draw and save it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.analysis.notes import notes_of
from simulator.analysis.outcome import Outcome
from simulator.analysis.summary import saved_form, summary_of
from simulator.base import arguments
from simulator.base.progress import Progress
from simulator.machines import EnergyTable, load_energy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, repr=False)
class Result(Outcome):
    """A run, its baseline if it has one, and everything that led to them."""

    def __repr__(self) -> str:
        """One line: network, bits, hardware, cycles and, with a baseline, the speedup."""
        speedup = "" if self.speedup is None else f", {self.speedup:.2f}x"
        return (
            f"<Result: {self.run.workload.name} at {self.run.title} on {self.hardware.name}, "
            f"{self.cycles:,} cycles{speedup}>"
        )

    def __str__(self) -> str:
        """A summary within 80 columns: scope, stages, speedup, times, slowest layers."""
        from simulator.report.brief import brief

        return brief(self)

    def with_energy(self, table: EnergyTable | str | Path) -> "Result":
        """Return the same result with its energy.

        Args:
            table: energy table, by shipped name such as `"45nm"`, by path, or loaded.

        Raises:
            InputError: an unknown name, a wrong file or type.

        Example:
            >>> from simulator import simulate
            >>> result = simulate("r20", "cofluent64", bits=0.56).with_energy("45nm")
            >>> result.energy.run.microjoules < result.energy.baseline.microjoules
            True

        """
        if isinstance(table, EnergyTable):
            return replace(self, energy_table=table, energy_file=None)
        file = arguments.name_or_path("table", table, "45nm", "an EnergyTable from load_energy")
        return replace(self, energy_table=load_energy(file), energy_file=str(file))

    def summary(self, *, why: bool = False) -> dict[str, Any]:
        """The result as one JSON object; the README describes the fields.

        Args:
            why: add the breakdown of every layer's cycles.

        """
        return summary_of(self, why=why)

    def saved(self, *, wider: bool = False) -> dict[str, Any]:
        """The contents of `summary.json`: the summary with every reason, and its inputs.

        Args:
            wider: add what a wider scope gives, as `save` does; this runs the network again.

        """
        return saved_form(self, wider=wider)

    def notes(self) -> list[str]:
        """Notes on the numbers: cuts, LUT passes, expectations, overrides without effect."""
        return notes_of(self)

    def _repr_html_(self) -> str:
        """Show the result in a notebook: the layers as a table, and the timeline."""
        from simulator.report.notebook import as_html

        return as_html(self)

    def plot_timeline(self, path: str | Path | None = None, style: str = "screen") -> "Figure":
        """Draw all runs on one time axis (Figure 13); also into a PNG, SVG or PDF file.

        Args:
            path: path of the file.
            style: `screen`, or `paper` (one column wide, without a title).

        Raises:
            InputError: an unknown style.

        """
        from simulator.report.timeline import plot_timeline

        return plot_timeline(self, path, style)

    def save(
        self, folder: str | Path, progress: Progress | None = None, style: str = "screen"
    ) -> list[Path]:
        """Write summary, layers, trace and figures into a folder; return the files.

        Args:
            folder: folder of the files; created if it does not exist.
            progress: called before every file.
            style: style of the figures, `screen` (PNG and SVG) or `paper` (PDF and SVG).

        Raises:
            InputError: a folder that cannot be written, or an unknown style.

        """
        from simulator.report.files import save

        return save(self, folder, progress, style)
