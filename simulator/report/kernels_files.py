"""The use of kernels as plain files: a table and a figure."""

from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.base.progress import Progress, announce
from simulator.base.writing import writable_folder, write_files, write_rows
from simulator.report.kernels import Snapshot, columns_of, kernel_rows


def save_kernels(
    snapshots: Sequence[Snapshot],
    layers: Sequence[str],
    folder: Path,
    progress: Progress | None = None,
) -> list[Path]:
    """Write kernels.csv, kernels.png and kernels.svg.

    Raises:
        InputError: the folder is not writable.

    """
    from simulator.report.kernels_figure import plot_kernels
    from simulator.report.style import save_figure

    folder = writable_folder(folder)
    announce(progress, "drawing the kernels")
    figure = plot_kernels(columns_of(snapshots), layers)
    rows = kernel_rows(snapshots)
    writers: dict[str, Callable[[Path], object]] = {
        "kernels.csv": lambda path: write_rows(path, rows),
        "kernels.png": lambda path: save_figure(figure, path),
        "kernels.svg": lambda path: save_figure(figure, path),
    }
    return write_files(folder, writers, progress)
