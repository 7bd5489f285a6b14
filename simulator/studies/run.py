"""Run a study into a folder: the unfinished points, then the result, the summary and the plots."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.base.progress import Progress
from simulator.base.tabular import read_rows
from simulator.engine import compiling
from simulator.studies.columns import point_columns
from simulator.studies.point_numbers import StudyFigures, read_figures
from simulator.studies.result import StudyResult
from simulator.studies.store import Store, open_store
from simulator.studies.study import Study

if TYPE_CHECKING:
    from simulator.report.style import Style
    from simulator.studies.chosen_figure import Chosen
    from simulator.studies.terminal import PointsTable


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
    """Run a study, or its unfinished points, into a folder.

    Args:
        study: from `grid_study` or `points_study`.
        out: folder; the run reuses the rows of an interrupted run of the same study.
        jobs: number of processes on this computer. Default: all cores.
        scheduler: address of a Dask scheduler instead, such as `tcp://host:8786`.
        tables_only: write no summary and no plots.
        style: style of the plots, `screen`, or `paper` for one column of a paper.
        plot: a plot of two columns, such as `x=array.pes y=time_ms hue=bits`.
        fronts: an axis; also find the fronts of time against area for each of its values.
        progress: called during the study.

    Raises:
        InputError: another study or process in the folder, an unwritable folder, an unusable
            cluster, or `fronts` that is not an axis with several values.

    """
    from simulator.report.style import style_of
    from simulator.studies.chosen_figure import chosen
    from simulator.studies.fronts import require_axis

    baselines = study.inputs.has_baselines
    figure = None if plot is None else chosen(plot, baselines=baselines)
    look = style_of(style)
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
    """Write the summary and the plots; return the result with these files."""
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
