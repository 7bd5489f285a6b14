"""`simulate train`: train a small network with every method of the paper."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.formatting import Command
from simulator.cli.options import OUTPUT, option, shared
from simulator.cli.output import console, print_written, progress_on_stderr
from simulator.training.names import TITLES

_EXAMPLES = """
Examples:

\b
  simulate train --out out/training
  simulate train --methods 1-bit,snn --taus 5 --seeds 0 --epochs 2 --out short
  simulate train --out out/training --report reports
"""


def _chosen(
    _context: click.Context, option: click.Parameter, text: str
) -> tuple[str, ...] | tuple[int, ...]:
    """Parse values between commas, each once: names for `--methods`, otherwise whole numbers."""
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if option.name == "methods":
        for part in parts:
            if part not in TITLES:
                raise click.BadParameter(f"{part!r}: allowed are {', '.join(TITLES)}")
        return parts
    least, most = (1, 8) if option.name == "taus" else (0, 1 << 31)
    for part in parts:
        if not part.isdecimal() or not least <= int(part) <= most:
            raise click.BadParameter(f"{part!r}: expected {least} to {most}, between commas")
    return tuple(int(part) for part in parts)


_STUDY, _RECIPE = "Study", "Training"


@click.command(cls=Command, epilog=_EXAMPLES)
@option(
    "--methods",
    section=_STUDY,
    default=",".join(TITLES),
    callback=_chosen,
    metavar="LIST",
    help=f"Training methods, separated by commas: {', '.join(TITLES)}. Default: all.",
)
@option(
    "--taus",
    section=_STUDY,
    default="6,5,4",
    show_default=True,
    callback=_chosen,
    metavar="LIST",
    help="Index widths in bits, 1 to 8, for the methods that choose subsets.",
)
@option(
    "--seeds",
    section=_STUDY,
    default="0,1,2",
    show_default=True,
    callback=_chosen,
    metavar="LIST",
    help="Seeds, 0 or more; every method runs once with each.",
)
@option(
    "--network",
    section=_RECIPE,
    default="r20-digits",
    show_default=True,
    metavar="NAME",
    help="Network for images of 1x8x8 and 10 classes: a shipped name, or the path of a network "
    "file or workload file, of which only the shapes count.",
)
@option(
    "--epochs",
    section=_RECIPE,
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=12,
    show_default=True,
    help="Epochs of a run.",
)
@option(
    "--batch",
    section=_RECIPE,
    type=click.IntRange(2, 898),
    metavar="N",
    default=32,
    show_default=True,
    help="Images per training step.",
)
@option(
    "--learning-rate",
    section=_RECIPE,
    type=click.FloatRange(0, 100, min_open=True),
    metavar="RATE",
    default=0.1,
    show_default=True,
    help="Initial learning rate; falls to 0 as a cosine.",
)
@option(
    "--report",
    section=OUTPUT,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder for a report on the runs: training.md, its tables and Figure 11.",
)
@shared(
    "out",
    "quiet",
    out="Folder for a checkpoint and a record per run, snapshots and accuracy.csv. The command "
    "skips finished runs. Default: out/training.",
)
def train(
    *,
    out: Path | None,
    methods: tuple[str, ...],
    taus: tuple[int, ...],
    seeds: tuple[int, ...],
    report: Path | None,
    quiet: bool,
    **recipe: Any,
) -> None:
    """Train a small ResNet on handwritten digits.

    The digits are scikit-learn's; nothing is downloaded. Trains full-precision, 1-bit and sub-bit
    weights by every method of the paper, on one core. To resume an interrupted study, rerun the
    same command. Needs the extra [train].
    """
    from simulator.training import require_training_libraries

    require_training_libraries()
    from simulator.training.loop import Recipe
    from simulator.training.methods import each
    from simulator.training.study import Study

    study = Study(Recipe(**recipe), tuple(each(methods, taus)), seeds, out or Path("out/training"))
    with progress_on_stderr(quiet) as progress:
        records = study.run(progress)
        written = [study.folder / "accuracy.csv"]
        if report is not None:
            from simulator.training.report import write

            written += write(study, records, report)
    if not quiet:
        from simulator.training.summary import print_summary

        print_summary(records, console())
        for path in written:
            print_written(path)
