"""A PE-count study of ResNet-18 on the paper's array; the paper has no such study."""

from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.base.progress import Progress, announce
from simulator.base.writing import write_file
from simulator.paper.markdown import write_report
from simulator.report.style import SCREEN, save_figure
from simulator.studies import grid_study, run_study
from simulator.studies.axes import axis, setting_axis
from simulator.studies.plot_style import drawing
from simulator.studies.result import StudyResult
from simulator.studies.scaling_figure import draw_scaling
from simulator.studies.summary import points_in_markdown
from simulator.studies.terminal import PointsTable

PES = "array.pes=16,32,64,96,128,256"
PORT = "memory.index_buffer.bytes_per_cycle=160,array.pes*2.5"
"""The port in the file, and a port that scales: 4 indices of 5 bits per PE and cycle."""
COMMAND = f"simulate sweep --hw cofluent64 --model r18 --bits 0.56 --set {PES} --set '{PORT}'"


def write(folder: Path, progress: Progress | None = None) -> list[Path]:
    """Write pe_study.md, pe_study.png and pe_study.svg."""
    axes = [axis("hw", "cofluent64"), axis("model", "r18"), axis("bits", "0.56")]
    study = grid_study([*axes, setting_axis(PES), setting_axis(PORT)])
    with TemporaryDirectory() as temporary:
        result = run_study(study, temporary, jobs=1, tables_only=True, progress=progress)
    announce(progress, "drawing the PE-count study")
    assert result.points is not None  # the paper's accelerator runs its network
    with drawing(SCREEN):
        figure = draw_scaling(result.points, SCREEN)
        assert figure is not None
        pictures = [
            write_file(folder / f"pe_study.{kind}", lambda path: save_figure(figure, path))
            for kind in SCREEN.endings
        ]
    return [_report(result, result.points, folder / "pe_study.md"), *pictures]


def _report(result: StudyResult, points: PointsTable, path: Path) -> Path:
    return write_report(
        path,
        "PE-count study of ResNet-18",
        "simulate reproduce pe-study",
        [
            f"{result.heading}. The same table in the terminal: `{COMMAND}`.\n",
            "\n\n".join(points_in_markdown(points)),
            "\n".join(result.sentences()) + "\n",
            "![Time, scaling efficiency and causes against the PEs](pe_study.png)\n",
        ],
    )
