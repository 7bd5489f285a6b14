"""`simulate train`: a network of our own, by every method of the paper."""

from pathlib import Path
from typing import Any

import click

from simulator.cli.output import console, print_written, progress_on_stderr
from simulator.training.names import TITLES

_EXAMPLES = """
Examples:

\b
  simulate train --out out/training
  simulate train --methods 1-bit,snn --taus 5 --seeds 0 --epochs 2 --out out/short
  simulate train --out out/training --report reports
"""


def _chosen(
    _context: click.Context, option: click.Parameter, text: str
) -> tuple[str, ...] | tuple[int, ...]:
    """Values between commas, each once: of `--methods` names, else whole numbers."""
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


@click.command(epilog=_EXAMPLES)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/training"),
    show_default=True,
    help="Folder for a checkpoint and a record per run, snapshots and accuracy.csv. Runs that "
    "are there already are kept.",
)
@click.option(
    "--methods",
    default=",".join(TITLES),
    show_default=True,
    callback=_chosen,
    help="What to train, between commas.",
)
@click.option(
    "--taus",
    default="6,5,4",
    show_default=True,
    callback=_chosen,
    help="Bits of a kernel's index, 1 to 8, for the methods that choose subsets.",
)
@click.option(
    "--seeds",
    default="0,1,2",
    show_default=True,
    callback=_chosen,
    help="One run of every method for each.",
)
@click.option(
    "--network",
    default="r20-digits",
    show_default=True,
    help="A shipped name or a network file for images of 1x8x8 and 10 classes.",
)
@click.option("--epochs", type=click.IntRange(1, 10_000), default=12, show_default=True)
@click.option("--batch", type=click.IntRange(2, 898), default=32, show_default=True)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, 100, min_open=True),
    default=0.1,
    show_default=True,
    help="At the start; it falls to 0 as a cosine.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Folder for a report on the runs: training.md, its tables and Figure 11.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors; no progress bar.")
def train(
    *,
    out: Path,
    methods: tuple[str, ...],
    taus: tuple[int, ...],
    seeds: tuple[int, ...],
    report: Path | None,
    quiet: bool,
    **recipe: Any,
) -> None:
    """Train a small ResNet on scikit-learn's handwritten digits (nothing is downloaded).

    Full-precision, 1-bit and sub-bit weights, by every method of the paper, on one core. An
    interrupted study goes on where it stopped. Needs the extra [train].
    """
    from simulator.training import require_training_libraries

    require_training_libraries()
    from simulator.training.loop import Recipe
    from simulator.training.methods import each
    from simulator.training.study import Study

    study = Study(Recipe(**recipe), tuple(each(methods, taus)), seeds, out)
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
