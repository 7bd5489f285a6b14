"""Load the argument of `--model`: a network file, a workload file or a trained network."""

from pathlib import Path

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.shipped import find
from simulator.workload.choice import Choice
from simulator.workload.loading import is_trained_file, load_workload
from simulator.workload.workload import Workload


def load_model(
    name_or_path: str | Path,
    *,
    network: str | Path | None = None,
    input_size: tuple[int, int] | None = None,
    choice: Choice | None = None,
    binarize: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Workload:
    """Load any file that `--model` takes: a network, a workload, or a trained network.

    The arguments are those of `extract`. For a network or a workload, only the taus of `choice`
    apply, and only when a run configures it.

    Raises:
        InputError: see `load_workload` and `extract`; or an argument would have no effect.

    """
    path, choice = find("workloads", name_or_path), choice or Choice()
    if is_trained_file(path):
        from simulator.workload.extract import extract

        return extract(
            path,
            network=network,
            input_size=input_size,
            choice=choice,
            binarize=binarize,
            progress=progress,
        ).workload
    refuse_reading(path, network=network, binarize=binarize, choice=choice)
    return load_workload(path, input_size)


def refuse_reading(
    path: Path, *, network: str | Path | None, binarize: tuple[str, ...], choice: Choice
) -> None:
    """Raise InputError if an argument applies to real weights, but the file has none."""
    for option, value in {
        "network": network, "subset": choice.subset, "seed": choice.seed, "binarize": binarize,
    }.items():  # fmt: skip
        if value not in {None, ()}:
            raise InputError(f"{path}: holds no real weights; leave out --{option}")
