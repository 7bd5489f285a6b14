"""A result as plain files: summary.json, layers.csv, the trace, timeline and roofline.

A result with an energy table adds energy.csv. The trace is `trace.parquet`. Without pyarrow, it is
`trace.csv`, with its vocabulary in `trace.json`.

Every file gets a temporary name first and its own name when complete. Files are therefore never
half-written.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.analysis.fifos import fillings, has_fillings
from simulator.analysis.outcome import RUNS
from simulator.analysis.stages import stage_times
from simulator.analysis.summary import saved_form
from simulator.analysis.trace_file import STEM, VOCABULARY, vocabulary_file, vocabulary_text
from simulator.base.columns import Ints, Names
from simulator.base.progress import Progress, announce, reported
from simulator.base.tabular import Kind, drop_other_forms, table_name, write_table
from simulator.base.writing import folder_for, write_files, write_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulator.analysis.outcome import Outcome


def save(
    result: "Outcome",
    folder: str | Path,
    progress: Progress | None = None,
    style: str = "screen",
) -> list[Path]:
    """Write all files of a result into `folder`, or none; make the folder if necessary.

    Args:
        result: from `simulate`.
        folder: the folder of the files.
        progress: called before every file, and during the write of the trace.
        style: the style of the figures: `screen` (PNG and SVG), or `paper` (PDF and SVG).

    Raises:
        InputError: the folder is not writable, or the style is unknown.

    """
    from simulator.report.prepare import make_traces
    from simulator.report.roofline import plot_roofline
    from simulator.report.style import style_of
    from simulator.report.timeline import plot_timeline

    endings = style_of(style).endings
    folder = folder_for("summary.json", folder)
    make_traces(result, progress)
    summary = saved_form(result, wider=True)
    announce(progress, "drawing the timeline and the roofline")
    figures = {
        "timeline": plot_timeline(result, style=style),
        "roofline": plot_roofline(result, style=style),
    }
    writers: dict[str, Callable[[Path], object]] = {
        "summary.json": lambda path: path.write_text(json.dumps(summary, indent=2) + "\n"),
        **{name: partial(_write_rows_of, rows) for name, rows in csv_tables(result).items()},
        **trace_writers(result, table_name(STEM), progress),
        **{
            f"{name}.{ending}": partial(_save_figure, figure)
            for name, figure in figures.items()
            for ending in endings
        },
    }
    files = write_files(folder, writers, progress)
    _drop_other_trace(folder, files)
    _drop_other_figures(folder, tuple(figures), endings)
    return files


def _save_figure(figure: "Figure", path: Path) -> None:
    from simulator.report.style import save_figure

    save_figure(figure, path)


def _drop_other_trace(folder: Path, files: Sequence[Path]) -> None:
    """Remove the trace in the other form: its contents are older."""
    drop_other_forms(folder, STEM)
    vocabulary = vocabulary_file(folder / f"{STEM}.csv")
    if vocabulary not in files:
        vocabulary.unlink(missing_ok=True)


def _drop_other_figures(folder: Path, names: tuple[str, ...], endings: tuple[str, ...]) -> None:
    """Remove figures in the other forms: their contents are older."""
    from simulator.report.style import STYLES

    for ending in {ending for style in STYLES.values() for ending in style.endings} - {*endings}:
        for name in names:
            (folder / f"{name}.{ending}").unlink(missing_ok=True)


CSV_TABLES = ("layers.csv", "energy.csv", "stages.csv", "fifos.csv")
"""The tables that `csv_tables` may return."""


def csv_tables(result: "Outcome") -> dict[str, list[dict[str, Any]]]:
    """Return the rows of layers.csv and, if the result has them, of further tables.

    energy.csv needs an energy table, stages.csv and fifos.csv a pipeline. fifos.csv also needs a
    run of at most `MOST_COMMANDS` commands.
    """
    pairs = zip(result.layer_rows(), result.attribution_rows(), strict=True)
    tables = {"layers.csv": [{**row, **parts} for row, parts in pairs]}
    if result.energy:
        tables["energy.csv"] = result.energy.rows()
    pipelines = [(name, run) for name, run in zip(RUNS, result.runs, strict=False) if run.images]
    if pipelines:
        tables["stages.csv"] = [
            {"run": name, **one.plain()} for name, run in pipelines for one in stage_times(run)
        ]
    if pipelines and all(has_fillings(run) for run in result.runs):
        tables["fifos.csv"] = [
            {"run": name, **one.plain()} for name, run in pipelines for one in fillings(run)
        ]
    return tables


def _write_rows_of(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    write_rows(path, rows)


def trace_writers(
    result: "Outcome", name: str, progress: Progress | None = None
) -> dict[str, Callable[[Path], object]]:
    """Writers, by the name of the file, of the commands of all runs and their vocabulary.

    Args:
        result: the result with the trace.
        name: the file name of the table; its suffix chooses CSV or Parquet.
        progress: called during the write of the table.

    """
    text = vocabulary_text(result.run.trace.vocabulary)
    if not name.endswith(".csv"):
        return {name: lambda path: _write_trace(result, path, progress, {VOCABULARY: text})}
    return {
        name: lambda path: _write_trace(result, path, progress, {}),
        vocabulary_file(Path(name)).name: lambda path: path.write_text(text, encoding="utf-8"),
    }


def _write_trace(
    result: "Outcome", path: Path, progress: Progress | None, texts: Mapping[str, str]
) -> None:
    from simulator.analysis.outcome import TRACE_ROWS

    total = sum(len(run.trace) for run in result.runs)
    first = next(result.trace_tables())
    kinds: dict[str, Kind] = {
        name: "name" if isinstance(column, Names) else "int64" for name, column in first.items()
    }
    report = reported(progress, "writing the trace", total)
    write_table(path, kinds, _watched(result.trace_tables(), report), TRACE_ROWS, texts)


def _watched(
    tables: Iterable[dict[str, Ints | Names]], report: Callable[[int], None] | None
) -> Iterator[dict[str, Ints | Names]]:
    """Yield the same tables; report the number of rows before each."""
    done = 0
    for table in tables:
        if report is not None:
            report(done)
        done += len(table["command"])
        yield table
