"""Run a study into a folder: what is left of it, then the result, the summary and the plots."""

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator import compiling
from simulator.errors import InputError
from simulator.progress import Progress
from simulator.report.tabular import read_frame
from simulator.studies.effects import AxisEffect
from simulator.studies.figures import StudyFigures, read_figures
from simulator.studies.store import Store, open_store
from simulator.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyResult:
    """What a finished study found."""

    study: Study
    figures: StudyFigures
    effects: tuple[AxisEffect, ...]
    """The axis that matters most first."""
    files: tuple[Path, ...]
    """The table of points, then that of layers if there is one, the summary and the plots."""

    def __repr__(self) -> str:
        """One line: the number of points and of the axes that matter."""
        axes = ", ".join(effect.axis for effect in self.effects) or "no axis of several values"
        return f"<StudyResult: {self.figures.point_count:,} points over {axes}>"

    def __str__(self) -> str:
        """The number of points and the effect of each axis on the time, within 80 columns."""
        from simulator.report.lines import print_line
        from simulator.report.printed import printed

        def draw(console: "Console") -> None:
            for sentence in self.sentences():
                print_line(console, sentence)

        return printed(draw)

    def sentences(self) -> list[str]:
        """The number of points, why some are impossible, and the effect of each axis."""
        from simulator.studies.summary import sentence

        figures = self.figures
        failed = sum(figures.errors.values())
        first = f"{figures.point_count:,} point" + ("s" if figures.point_count > 1 else "")
        if failed:
            reason = next(iter(figures.errors))
            first += f", {failed:,} of them impossible (see the column `error`); most often: "
            first += reason
        return [
            first,
            *([self.doubt] if self.doubt else []),
            *(f"- {sentence(effect)}" for effect in self.effects),
        ]

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """One row per point, with the columns of `study.parquet` (docs/sweep.md)."""
        return read_frame(self.files[0])

    @cached_property
    def layer_frame(self) -> "pd.DataFrame":
        """One row per point and layer.

        Raises:
            InputError: the study keeps no rows by layer.

        """
        if not self.study.inputs.layers:
            raise InputError("this study has no rows by layer: run it with layers=True")
        return read_frame(self.files[1])

    @property
    def doubt(self) -> str | None:
        """Why the effects may mean little; None: nothing speaks against them."""
        from simulator.studies.summary import doubt_of

        return doubt_of(self.effects, len(self.figures.point))

    def summary(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return {
            "point_count": self.figures.point_count,
            "failed_points": sum(self.figures.errors.values()),
            "errors": dict(self.figures.errors),
            "axes": [effect.described() for effect in self.effects],
            "doubt": self.doubt,
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
    progress: Progress | None = None,
) -> StudyResult:
    """Run a study, or what is left of it, into a folder.

    Args:
        study: from `grid_study` or `points_study`.
        out: folder; what an interrupted run of the same study left there is used.
        jobs: processes on this machine; all cores if not given.
        scheduler: address of a Dask scheduler instead, such as `tcp://host:8786`.
        progress: called while the study goes on.

    Raises:
        InputError: another study is in the folder or another process works there, the folder
            cannot be written, the cluster cannot be used.

    """
    with open_store(Path(out), study) as store:
        if not store.finished:
            _finish(study, store, jobs, scheduler, progress)
        store.assemble(progress)
        if progress is not None:
            progress("summary and plots", 0, len(study.points))
        return _report(study, store)


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


def _report(study: Study, store: Store) -> StudyResult:
    from simulator.studies.effects import axis_effects
    from simulator.studies.plots import write_plots
    from simulator.studies.summary import write_summary

    figures = read_figures(store.numbers_file)
    effects = axis_effects(figures)
    plots = write_plots(figures, effects, store.numbers_file)
    tables = store.tables
    summary = store.folder / "summary.md"
    write_summary(study, figures, effects, (*tables, *plots), summary)
    return StudyResult(
        study=study, figures=figures, effects=effects, files=(*tables, summary, *plots)
    )
