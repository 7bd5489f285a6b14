"""Rerun a saved result from its summary.json.

summary.json contains hardware, layers, tables and options. The kernels of a trained network and the
input of a check are in separate files; summary.json has their names and fingerprints.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.analysis.run import Run
from simulator.analysis.running import engine_for, run_one
from simulator.analysis.saved import (
    SavedCauses,
    SavedCheck,
    SavedConfiguration,
    SavedModelFile,
    SavedSetting,
    SavedWiderConfiguration,
)
from simulator.api.result import Result
from simulator.api.wider import WiderRuns
from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.machines import Hardware
from simulator.machines.links import at, replaced
from simulator.machines.loading import (
    hardware_from,
    machine_in,
    needs_value,
    with_expressions,
)
from simulator.studies.settings import SettingRuns, Without, without
from simulator.workload import Workload
from simulator.workload.described import workload_from
from simulator.workload.importers.shards import fingerprint
from simulator.workload.source import file_sha256


@contextmanager
def rerun(
    causes: SavedCauses, file: Path, model: str | Path | None, progress: Progress | None
) -> Iterator[Result]:
    """Rerun a saved result.

    In the context, the name of the DRAM table means the saved table, whatever a file of that name
    contains. The result makes its trace and its notes in the context.

    Args:
        causes: inputs that determine the result.
        file: its summary.json; names of other files may be relative to its folder.
        model: file of the kernels, if `causes` names a file that has moved.
        progress: called with a title, the number of finished parts and their total.

    Raises:
        InputError: a wrong part of `causes`; a file that is missing or has changed.

    """
    with _tables(causes.configuration):
        configuration = causes.configuration.hardware
        hardware = hardware_from(configuration, causes.links, "configuration.hardware")
        saved = causes.model_file
        loaded = None if saved is None else _model(saved, file, model, progress)
        yield _with_options(_run(causes, hardware, loaded, progress), causes, file, progress)


@contextmanager
def _tables(saved: SavedConfiguration) -> Iterator[None]:
    """Let the name of the hardware's DRAM table mean the saved table."""
    name = at(saved.hardware, "memory.dram.timing")
    if saved.dram is None or not isinstance(name, str):
        yield
        return
    from simulator.dram.tables import dram_from, table_given

    table = dram_from(saved.dram, "configuration.dram")
    with table_given(name, table):
        yield


def _run(
    causes: SavedCauses, hardware: Hardware, loaded: Workload | None, progress: Progress | None
) -> Result:
    saved, engine = causes.configuration, engine_for(causes.engine, hardware)

    def one(plain: dict[str, Any], name: str) -> Run:
        workload = workload_from(plain, f"configuration.{name}", loaded)
        return run_one(workload, hardware, engine, progress)

    wider = () if causes.wider is None else _networks(causes.wider.configuration, loaded)

    result = Result(
        hardware=hardware,
        run=one(saved.run, "run"),
        baseline=None if saved.baseline is None else one(saved.baseline, "baseline"),
    )
    if wider:
        result = replace(result, measure_wider=WiderRuns(wider, hardware, engine, progress))
    data = with_expressions(hardware)
    others_alone = [_without(one, data, causes.settings) for one in causes.settings]
    return replace(result, measure_settings=SettingRuns(result, others_alone, progress))


def _without(one: SavedSetting, data: dict[str, Any], settings: Iterable[SavedSetting]) -> Without:
    """The hardware without one of the overrides.

    If a key that needs a value had none, the file had no such section: only the other overrides
    give its section keys.
    """
    section = one.key.rpartition(".")[0]
    if one.before is not None or not needs_value(one.key, machine_in(data, "hardware")):
        return without(one.key, data, {one.key: one.before})
    others = [x.key for x in settings if x.key != one.key and x.key.startswith(f"{section}.")]
    bare = replaced(data, section, None)
    return without(one.key, bare, {key: at(data, key) for key in others})


def _networks(saved: SavedWiderConfiguration, loaded: Workload | None) -> list[Workload]:
    """The networks of the runs in the wider scope."""
    sides = {"run": saved.run, "baseline": saved.baseline}
    return [
        workload_from(plain, f"wider.configuration.{name}", loaded)
        for name, plain in sides.items()
        if plain is not None
    ]


def _with_options(
    result: Result, causes: SavedCauses, file: Path, progress: Progress | None
) -> Result:
    """The result with its saved check, energies and sensitivity analysis."""
    if causes.check is not None:
        result = _checked(result, causes.check, file, progress)
    if causes.configuration.energy is not None:
        from simulator.machines.energy import energy_from

        result = result.with_energy(
            energy_from(causes.configuration.energy, "configuration.energy")
        )
    if causes.what_helps is not None:
        from simulator.studies.what_helps import with_what_helps

        result = with_what_helps(result, progress)
    return result


def _checked(result: Result, check: SavedCheck, file: Path, progress: Progress | None) -> Result:
    from simulator.check import check_workload

    inputs = None
    if check.input_file is not None:
        inputs = _same(check.input_file, check.input_sha256, file, "the check's input")
    found = check_workload(
        result.run.workload, result.hardware, seed=check.seed, inputs=inputs, progress=progress
    )
    return replace(result, check=replace(found, input_file=check.input_file))


def _model(
    saved: SavedModelFile, file: Path, model: str | Path | None, progress: Progress | None
) -> Workload:
    """Reload the workload with its kernels."""
    from simulator.base.shipped import find, trained_names
    from simulator.workload.choice import Choice
    from simulator.workload.model import load_model

    if model is None and saved.file in trained_names():
        path = find("workloads", saved.file)
        if file_sha256(path) != saved.sha256:
            raise _another(path, saved.sha256, "the kernels")
    else:
        path = _same(str(model or saved.file), saved.sha256, file, "the kernels", "; use --model")
    loaded = load_model(
        path,
        network=saved.network,
        input_size=saved.input_size,
        binarize=saved.binarize,
        renames=saved.renames,
        center=saved.center,
        choice=Choice(
            subset=saved.subset,
            seed=saved.seed,
            bits=saved.bits,
            tau=saved.tau,
            tau_1x1=saved.tau_1x1,
            taus=saved.taus,
        ),
        progress=progress,
    )
    assert loaded.source is not None  # it has kernels
    return replace(loaded, source=replace(loaded.source, file=saved.file))


def _same(name: str, sha256: str | None, file: Path, what: str, hint: str = "") -> Path:
    """The path, in the current or the result's folder, of the file whose fingerprint matches."""
    found = [path for path in (Path(name), file.parent / name) if guard.is_file(path)]
    for path in found:
        if fingerprint(path) == sha256:
            return path
    if found:
        raise _another(found[0], sha256, what)
    raise InputError(
        f"{file}: needs {name} (SHA-256 {str(sha256)[:12]}...), which contains {what}: no such "
        f"file{hint}"
    )


def _another(path: Path, sha256: str | None, what: str) -> InputError:
    return InputError(
        f"{path}: contents differ from {what} of the result, which had SHA-256 "
        f"{str(sha256)[:12]}..."
    )
