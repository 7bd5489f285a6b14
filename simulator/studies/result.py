"""Result of a finished study."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.tabular import read_frame
from simulator.base.wording import counted
from simulator.studies.columns import LAYER_COLUMNS, point_columns
from simulator.studies.effects import Effect
from simulator.studies.point_numbers import StudyFigures
from simulator.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from simulator.studies.fronts import FrontGroup
    from simulator.studies.terminal import PointsTable


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyResult:
    """The result of a finished study."""

    study: Study
    figures: StudyFigures
    effects: tuple[Effect, ...]
    """The effects of the factors, the most important factor first."""
    points: "PointsTable | None"
    """The points in the terminal; None if every point is impossible."""
    fronts: "tuple[FrontGroup, ...]" = ()
    """The Pareto fronts of the requested axis; see `simulator.studies.fronts`."""
    files: tuple[Path, ...]
    """The table of points, then the table of layers if any, the summary and the plots."""

    def __repr__(self) -> str:
        """One line: the number of points, and the axes."""
        axes = ", ".join(effect.axis for effect in self.effects) or "no axis of several values"
        return f"<StudyResult: {self.figures.point_count:,} points over {axes}>"

    def __str__(self) -> str:
        """The table of points and the effect of each axis on the time, within 80 columns."""
        from simulator.report.printed import printed

        return printed(self.draw)

    def draw(self, console: "Console") -> None:
        """Print the heading, the table of points and the sentences."""
        from simulator.base.lines import print_line

        print_line(console, self.heading)
        print_line(console, "")
        if self.points is not None:
            self.points.draw(console)
        for sentence in self.sentences():
            print_line(console, sentence)
        if self.fronts:
            from simulator.studies.fronts_report import draw_fronts

            draw_fronts(self.fronts, console)

    @property
    def heading(self) -> str:
        """The networks, hardware and bits of the study, against its baseline."""
        from simulator.studies.wording import heading

        return heading(self.study, self.figures)

    def sentences(self) -> list[str]:
        """The reasons of impossible points, and the effect of each factor."""
        from simulator.studies.clock import clock_note
        from simulator.studies.wording import sentence

        figures = self.figures
        failed = sum(figures.errors.values())
        lines = [f"- {sentence(effect)}" for effect in self.effects]
        if note := clock_note(self.study, set(figures.axes)):
            lines.append(f"- {note}.")
        if failed:
            where = " (see the column `error`)" if self.files else ""
            lines.insert(
                0,
                f"{failed:,} of {counted(figures.point_count, 'point')} cannot run{where}; most "
                f"often: {next(iter(figures.errors))}",
            )
        return lines

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The table with one row per point, and the columns of `study.parquet` (docs/sweep.md)."""
        return read_frame(self.files[0], point_columns())

    @cached_property
    def layer_frame(self) -> "pd.DataFrame":
        """The table with one row per point and layer.

        Raises:
            InputError: a study without rows by layer.

        """
        if not self.study.inputs.layers:
            raise InputError("this study has no rows by layer: run it with layers=True")
        return read_frame(self.files[1], LAYER_COLUMNS)

    def summary(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "point_count": self.figures.point_count,
            "failed_points": sum(self.figures.errors.values()),
            "errors": dict(self.figures.errors),
            "axes": [effect.described() for effect in self.effects],
            "title": self.heading,
            "points": list(self.points.rows) if self.points else [],
            "fronts": [row for group in self.fronts for row in group.rows()],
            "files": [str(path) for path in self.files],
            "study_sha256": self.study.sha256,
            "version": self.study.inputs.version,
        }
