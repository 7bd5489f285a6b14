"""Load the argument of `--model`: a network file, a workload file or a trained network."""

from dataclasses import replace
from pathlib import Path

from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.shipped import find
from simulator.workload.centering import Center
from simulator.workload.choice import Choice
from simulator.workload.importers.names import Rename
from simulator.workload.loading import is_trained_file, load_workload
from simulator.workload.scope import is_full_precision
from simulator.workload.workload import Workload


def load_model(
    name_or_path: str | Path,
    *,
    network: str | Path | None = None,
    input_size: tuple[int, int] | None = None,
    choice: Choice | None = None,
    binarize: tuple[str, ...] = (),
    renames: tuple[Rename, ...] = (),
    center: Center = "auto",
    progress: Progress | None = None,
) -> Workload:
    """Load any file that `--model` takes: a network, a workload, or a trained network.

    The arguments are those of `extract`. For a network or a workload, only the taus of `choice`
    apply, and only when a run configures it; `binarize` is that of `load_workload`.

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
            choice=replace(choice, bits=None) if is_full_precision(choice.bits) else choice,
            binarize=binarize,
            renames=renames,
            center=center,
            progress=progress,
        ).workload
    refuse_reading(
        name_or_path,
        network=network,
        renames=renames,
        center=center,
        subset=choice.subset,
        seed=choice.seed,
    )
    return load_workload(path, input_size, binarize)


def refuse_reading(model: object, **reading: object) -> None:
    """Raise InputError if an option applies to real weights, but a model has none.

    Args:
        model: shipped name or path of the model.
        reading: options of reading a trained network, as the arguments of `load_model` and the
            fields of `Choice`.

    """
    for name, value in reading.items():
        if value not in {None, (), "auto"}:
            option = {"renames": "rename"}.get(name, name)
            raise InputError(f"{model}: holds no real weights; leave out --{option}")
