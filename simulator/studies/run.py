"""Run a study into a folder: what is left of it, then the result, the summary and the plots."""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.tabular import read_frame, read_rows
from simulator.engine import compiling
from simulator.report.wording import counted
from simulator.studies.columns import LAYER_COLUMNS, point_columns
from simulator.studies.effects import Effect
from simulator.studies.figures import StudyFigures, read_figures
from simulator.studies.store import Store, open_store
from simulator.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from simulator.report.style import Style
    from simulator.studies.chosen_figure import Chosen
    from simulator.studies.fronts import FrontGroup
    from simulator.studies.terminal import PointsTable


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyResult:
    """What a finished study found."""

    study: Study
    figures: StudyFigures
    effects: tuple[Effect, ...]
    """The factor that matters most first."""
    points: "PointsTable | None"
    """The points that the terminal shows; None if every point is impossible."""
    fronts: "tuple[FrontGroup, ...]" = ()
    """Pareto fronts of the axis that was asked for; see `simulator.studies.fronts`."""
    files: tuple[Path, ...]
    """The table of points, then that of layers if there is one, the summary and the plots."""

    def __repr__(self) -> str:
        """One line: the number of points and of the axes that matter."""
        axes = ", ".join(effect.axis for effect in self.effects) or "no axis of several values"
        return f"<StudyResult: {self.figures.point_count:,} points over {axes}>"

    def __str__(self) -> str:
        """The table of points and the effect of each axis on the time, within 80 columns."""
        from simulator.report.printed import printed

        return printed(self.draw)

    def draw(self, console: "Console") -> None:
        """Print what ran, the table of points and the sentences."""
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
        """What ran against what."""
        from simulator.studies.wording import heading

        return heading(self.study, self.figures)

    def sentences(self) -> list[str]:
        """Why points are impossible, and the effect of each factor."""
        from simulator.studies.wording import sentence

        figures = self.figures
        failed = sum(figures.errors.values())
        lines = [f"- {sentence(effect)}" for effect in self.effects]
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
        """One row per point, with the columns of `study.parquet` (docs/sweep.md)."""
        return read_frame(self.files[0], point_columns())

    @cached_property
    def layer_frame(self) -> "pd.DataFrame":
        """One row per point and layer.

        Raises:
            InputError: the study keeps no rows by layer.

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


def run_study(
    study: Study,
    out: str | Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    tables_only: bool = False,
    style: str = "screen",
    plot: str | None = None,
    fronts: str | None = None,
    progress: Progress | None = None,
) -> StudyResult:
    """Run a study, or what is left of it, into a folder.

    Args:
        study: from `grid_study` or `points_study`.
        out: folder; what an interrupted run of the same study left there is used.
        jobs: processes on this machine; all cores if not given.
        scheduler: address of a Dask scheduler instead, such as `tcp://host:8786`.
        tables_only: write no summary and no plots.
        style: of the plots, `screen`, or `paper` for one column of a paper.
        plot: a plot of two columns, such as `x=array.pes y=time_ms hue=bits`.
        fronts: an axis; also find the fronts of time against area for each of its values.
        progress: called while the study goes on.

    Raises:
        InputError: another study is in the folder or another process works there, the folder
            cannot be written, the cluster cannot be used; `fronts` is no axis of several values.

    """
    from simulator.report.style import style_of
    from simulator.studies.chosen_figure import chosen
    from simulator.studies.fronts import require_axis

    figure, look = None if plot is None else chosen(plot), style_of(style)
    if fronts is not None:
        require_axis(study.described.get("axes", dict.fromkeys(study.axis_names)), fronts)
    with open_store(Path(out), study) as store:
        if not store.finished:
            _finish(study, store, jobs, scheduler, progress)
        store.assemble(progress)
        if progress is not None:
            progress("summary and plots", 0, len(study.points))
        result = _report(study, store, fronts)
        return result if tables_only else _written(result, store, look, figure)


def _finish(
    study: Study,
    store: Store,
    jobs: int | None,
    scheduler: str | None,
    progress: Progress | None,
) -> None:
    done = store.done_chunks()
    size, total = study.chunk_points, len(study.points)
    missing = ((n, points) for n, points in study.chunks() if n not in done)
    if scheduler is None:
        from simulator.studies.local import cores, run_locally

        workers = min(jobs or cores(), max(1, study.chunk_count - len(done)))
        finished = run_locally(study, missing, workers)
    else:
        from simulator.studies.cluster import run_on_cluster

        finished = run_on_cluster(study, missing, scheduler)
    points = sum(min(size, total - number * size) for number in done)
    if progress is not None:
        progress("points", points, total)
    if len(done) == study.chunk_count:
        return
    with closing(finished):
        for number, rows in finished:
            store.keep(number, rows)
            if rows.compiler_missed:
                compiling.report_missing()
            points += min(size, total - number * size)
            if progress is not None:
                progress("points", points, total)


def _report(study: Study, store: Store, fronts: str | None) -> StudyResult:
    from simulator.studies.effects import effects_of
    from simulator.studies.fronts import fronts_of

    figures = read_figures(store.numbers_file)
    return StudyResult(
        study=study,
        figures=figures,
        effects=effects_of(figures),
        files=tuple(store.tables),
        points=_points_table(study, store, figures) if len(figures.point) else None,
        fronts=tuple(fronts_of(figures, store.numbers_file, fronts)) if fronts else (),
    )


def _points_table(study: Study, store: Store, figures: StudyFigures) -> "PointsTable":
    from simulator.studies.terminal import PointsTable, shown_places

    relations = store.relations()
    numbers = [int(figures.point[place]) for place in shown_places(figures, relations)]
    return PointsTable(
        study=study,
        figures=figures,
        relations=relations,
        rows=read_rows(store.tables[0], point_columns(), numbers),
    )


def _written(
    result: StudyResult, store: Store, style: "Style", chosen: "Chosen | None"
) -> StudyResult:
    """The same result with its summary and its plots."""
    from simulator.studies.plots import write_plots
    from simulator.studies.summary import write_summary
    from simulator.studies.wording import subject

    plots = write_plots(result, store.numbers_file, style, chosen)
    if result.fronts:
        from simulator.studies.fronts_report import write_fronts

        name = subject(result.study, result.figures, short=True)
        plots = (*plots, *write_fronts(result.fronts, name, store.folder, style))
    summary = store.folder / "summary.md"
    write_summary(result, plots, summary)
    return replace(result, files=(*result.files, summary, *plots))
