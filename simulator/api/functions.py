"""Python functions other than `simulate`: sweep, search, compare, and the HTML report.

`import simulator` exports all of them; docs/python.md shows each in use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from simulator.api.result import Result
from simulator.api.simulate import workload_of
from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.machines import Hardware
from simulator.workload import Workload

if TYPE_CHECKING:
    from simulator.api.comparison import Comparison
    from simulator.studies import Study
    from simulator.studies.axes import Axis
    from simulator.studies.result import StudyResult
    from simulator.studies.search import Limits, Objective, SearchResult

Name = str | Path
"""A shipped name or a path."""
Numbers = int | float | str | Iterable[int | float | str]
"""One value, several values, or text in the form of the command's options, such as `16:1024:x2`."""


def sweep(
    models: Name | Iterable[Name],
    hardware: Name | Iterable[Name],
    *,
    bits: Numbers | None = None,
    tau: Numbers | None = None,
    tau_1x1: Numbers | None = None,
    set: Mapping[str, Numbers] | None = None,
    batch: Numbers | None = None,
    activation_bits: Numbers | None = None,
    shortcut_bits: Numbers | None = None,
    input_size: Numbers | Iterable[tuple[int, int]] | None = None,
    sample: int | None = None,
    seed: int = 0,
    baseline_bits: float | str | None = None,
    scope: str | None = None,
    engine: str = "auto",
    layers: bool = False,
    energy: Name = "45nm",
    taus: Mapping[str, int] | None = None,
    fronts: str | None = None,
    out: Name | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> "StudyResult":
    """Simulate every combination of networks, hardware, precisions and hardware keys.

    An argument that takes several values also takes one value, or text in the form of the command's
    options: `"16:1024:x2"` is 16, 32, ..., 1024.

    Args:
        models: networks, by shipped name or path.
        hardware: hardware files, by shipped name or path.
        bits: bits per weight, such as `[1, 0.67, 0.56]`.
        tau: index widths of kernels in bits, 1 to 9, instead of `bits`.
        tau_1x1: index widths of 1x1 vectors in bits, 1 to 8.
        set: values of hardware keys, such as `{"array.pes": [16, 32]}`.
        batch: images per run.
        activation_bits: bits of every activation, 1 to 32. Default: the network file's, or 1.
        shortcut_bits: bits per value of the maps between binary layers in scope `"network"`.
            Default: the network file's, or 16.
        input_size: pixels, such as `[160, 224]`, or (height, width) pairs in a list.
        sample: number of points to draw from all combinations. Default: all of them.
        seed: seed of the random sample.
        baseline_bits: bits per weight of the baselines, or `"none"`; default as in `simulate`.
        scope: `"binary"`, `"weights"` or `"network"`, as in `simulate`. Default: `"binary"`, or
            `"weights"` if
            any run has 32 bits, because all runs have the same layers.
        engine: `"auto"`, `"fast"` or `"event"`.
        layers: also keep one row per point and layer.
        energy: energy table, by shipped name or path.
        taus: tau of single layers by name; overrides `bits` and `tau`.
        fronts: an axis, such as `"bits"`, to compare its values within the same area; see
            `fronts` of the result.
        out: folder for the tables, the summary and the plots; an interrupted study resumes there.
            Without a folder, only `frame` has the rows.
        jobs: number of processes. A script with more than one needs the usual
            `if __name__ == "__main__":`, because each process imports the script.
        progress: called with a title, the number of finished points and their total.

    Returns:
        A `StudyResult`: `frame` (pandas, one row per point), `effects` (effect of each axis on the
        time), `summary()`, `files`.

    Raises:
        InputError: a wrong type, an unknown name or key, or a duplicate value; the folder contains
            another study. An impossible point is a row with an `error`.

    Example:
        >>> import simulator
        >>> study = simulator.sweep("r20", "cofluent64", bits=0.56, set={"array.pes": [32, 64]})
        >>> study.frame["hw.array.pes"].tolist()
        [32, 64]

    """
    from simulator.studies import grid_study, run_study
    from simulator.studies.axes import axis_of

    given = {
        "hw": hardware,
        "model": models,
        "bits": bits,
        "tau": tau,
        "tau_1x1": tau_1x1,
        "batch": batch,
        "activation_bits": activation_bits,
        "shortcut_bits": shortcut_bits,
        "input_size": input_size,
    }
    study = grid_study(
        [
            *(axis_of(name, values) for name, values in given.items() if values is not None),
            *_axes_of(set),
        ],
        sample=None if sample is None else _positive("sample", sample),
        seed=arguments.whole("seed", seed, "0"),
        baseline_bits=baseline_bits,
        scope=arguments.optional_text("scope", scope, "weights"),
        engine=arguments.text("engine", engine, "auto"),
        layers=arguments.flag("layers", layers),
        energy=arguments.name_or_path("energy", energy, "45nm"),
        taus=arguments.taus_by_layer(taus),
    )
    workers = _positive("jobs", jobs)
    if out is None:
        return _in_memory(study, jobs=workers, fronts=fronts, progress=progress)
    folder = arguments.name_or_path("out", out, "study")
    return run_study(study, folder, jobs=workers, fronts=fronts, progress=progress)


def _in_memory(study: "Study", **options: Any) -> "StudyResult":
    """Run a study without a folder; the result keeps its tables as frames."""
    from simulator.studies import run_study

    with TemporaryDirectory() as temporary:
        result = run_study(study, temporary, tables_only=True, **options)
        kept = replace(result, files=())
        kept.__dict__["frame"] = result.frame  # the cached property keeps its value here
        if study.inputs.layers:
            kept.__dict__["layer_frame"] = result.layer_frame
        return kept


def search(
    workload: Workload | Name,
    hardware: Hardware | Name,
    objective: "Objective",
    *,
    max_time_ms: float | None = None,
    mean_bits: float | None = None,
    min_mean_bits: float | None = None,
    max_mbit: float | None = None,
    taus: Numbers | None = None,
    set: Mapping[str, Numbers] | None = None,
    activation_bits: int | None = None,
    shortcut_bits: int | None = None,
    batch: int = 1,
    input_size: int | tuple[int, int] | None = None,
    scope: str | None = None,
    engine: str = "auto",
    energy: Name = "45nm",
    baseline_bits: float | str | None = None,
    out: Name | None = None,
    progress: Progress | None = None,
) -> "SearchResult":
    """Find the best tau of every layer under limits of time or storage.

    The search does not model accuracy: `taus` and `min_mean_bits` state what the network's training
    allows.

    Args:
        workload: a shipped name, a path, or a `Workload`.
        hardware: a shipped name, a path, or a `Hardware`.
        objective: `"bits"` stores the fewest and `"capacity"` the most bits within `max_time_ms`.
            `"time"` runs fastest within the limits of storage; `"energy"`, `"energy-delay"` and
            `"time-area"` minimize the energy or the product.
        max_time_ms: maximum time of the run in milliseconds.
        mean_bits: maximum mean of the stored bits per weight.
        min_mean_bits: minimum mean of the stored bits per weight.
        max_mbit: maximum of the stored bits of the binary layers, in 1e6 bits.
        taus: index widths in bits that a layer may have, 1 to 9; 9 is 1 bit per weight. Default:
            all widths whose subsets the PEs store.
        set: hardware keys to search too, such as `{"array.pes": [32, 64]}`.
        activation_bits: bits of every activation, 1 to 32. Default: the network file's, or 1.
        shortcut_bits: bits per value of the maps between binary layers in scope `"network"`.
            Default: the network file's, or 16.
        batch: images per run.
        input_size: height and width in pixels, or one number for both. Default: the file's size.
        scope: `"binary"`, `"weights"` or `"network"`, as in `simulate`.
        engine: `"auto"`, `"fast"` or `"event"`.
        energy: energy table, by shipped name or path.
        baseline_bits: bits per weight of the baseline, or `"none"`; default as in `simulate`.
        out: folder for search.json, front.csv and plots of the front.
        progress: called with a title, the number of finished configurations and their total.

    Returns:
        A `SearchResult`: `taus` (by layer), `best`, `layer_rows()`, `front_rows()`, `summary()`;
        `print(result)` prints the table.

    Raises:
        InputError: a wrong type, an unknown name or key, limits that no combination meets or that
            do not fit the objective.

    Example:
        >>> import simulator
        >>> found = simulator.search("r20", "cofluent64", "bits", max_time_ms=0.1, taus=[4, 5])
        >>> sorted(set(found.taus.values()))
        [4]

    """
    from simulator.studies.axes import axis_of
    from simulator.studies.folding.result import FOLD_OBJECTIVES
    from simulator.studies.search import Objective, machines_of, storable_taus
    from simulator.studies.search import search as find

    limits = _limits(
        max_time_ms=max_time_ms,
        mean_bits=mean_bits,
        min_mean_bits=min_mean_bits,
        max_mbit=max_mbit,
    )
    if objective not in get_args(Objective):
        names = ", ".join(get_args(Objective))
        folds = str(objective) in FOLD_OBJECTIVES
        other = " (simulator.fold folds pipelines)" if folds else ""
        raise InputError(f"objective {objective!r}: expected one of {names}{other}")
    machines = machines_of(hardware, _axes_of(set))
    widths = storable_taus(machines) if taus is None else axis_of("tau", taus).values
    result = find(
        workload_of(workload, size=input_size),
        machines,
        objective,
        limits,
        taus=[arguments.whole("taus", tau, "5") for tau in widths],
        engine=arguments.text("engine", engine, "auto"),
        progress=progress,
        energy=arguments.name_or_path("energy", energy, "45nm"),
        baseline_bits=baseline_bits,
        activation_bits=arguments.optional_whole("activation_bits", activation_bits, "1"),
        shortcut_bits=arguments.optional_whole("shortcut_bits", shortcut_bits, "16"),
        batch=arguments.whole("batch", batch, "1"),
        scope=arguments.optional_text("scope", scope, "weights"),
    )
    if out is not None:
        from simulator.studies.search.output import save_search

        save_search(result, Path(arguments.name_or_path("out", out, "found")))
    return result


def _limits(**given: float | None) -> "Limits":
    """The limits of a search, checked."""
    from simulator.studies.search import Limits

    known = {name: value for name, value in given.items() if value is not None}
    return Limits(**{name: arguments.number(name, x, "0.9") for name, x in known.items()})


def compare(
    a: Result | Name, b: Result | Name, *, names: tuple[str, str] | None = None
) -> "Comparison":
    """Compare result B with result A: configuration, time and energy by layer, and the reasons.

    Args:
        a: a result, or a folder that `Result.save` or `--out` wrote.
        b: a result or a folder, as `a`.
        names: titles of A and B. Default: "result A", or the folder.

    Returns:
        A `Comparison`: `totals`, `layers`, `why`, `configuration`, `as_json()`, `markdown()`;
        `print(comparison)` prints the tables.

    Raises:
        InputError: a wrong type, a folder without a readable summary.json, an unknown schema
            number.

    Example:
        >>> import simulator
        >>> results = [simulator.simulate("r20", "cofluent64", tau=tau) for tau in (5, 4)]
        >>> comparison = simulator.compare(*results)
        >>> comparison.b.cycles <= comparison.a.cycles
        True

    """
    from simulator.analysis.saved import as_saved, read_saved
    from simulator.api.comparison import Comparison

    def one(side: str, given: Result | Name) -> tuple[str, Any]:
        if isinstance(given, Result):
            return f"result {side.upper()}", as_saved(given.saved(), side)
        path = arguments.name_or_path(side, given, "out/r18", "a Result from simulate")
        return str(path), read_saved(Path(path))

    (name_a, saved_a), (name_b, saved_b) = one("a", a), one("b", b)
    name_a, name_b = names or (name_a, name_b)
    return Comparison(name_a=name_a, name_b=name_b, a=saved_a, b=saved_b)


def write_report(result: Result, path: Name, progress: Progress | None = None) -> Path:
    """Write a result as one HTML file that works offline: timeline, layers, roofline, reasons.

    The report lists the assumed values of the hardware file and of the energy table if the result
    comes from their names or paths.

    Args:
        result: from `simulate`.
        path: path of the report, such as `"r18.html"`.
        progress: called with a title, the number of finished parts and their total.

    Returns:
        The path of the report.

    Raises:
        InputError: a wrong type, or a file that cannot be written.

    Example:
        >>> from simulator import simulate, write_report
        >>> page = write_report(simulate("r20", "cofluent64", bits=0.56), "r20.html")
        >>> page.name
        'r20.html'

    """
    from simulator.base.writing import writable_file
    from simulator.machines.assumptions import assumptions
    from simulator.report.html import write_page

    if not isinstance(result, Result):
        raise arguments.wrong_type("result", result, "a Result from simulate")
    file = Path(arguments.name_or_path("path", path, "r18.html"))
    writable_file(file)
    assumed = assumptions(
        result.hardware_file,
        dram=result.hardware.dram.timing,
        energy=result.energy_file,
    )
    return write_page(result, file, assumed, progress)


def _axes_of(set: Mapping[str, Any] | None) -> "list[Axis]":
    """The hardware keys of `set`, as axes."""
    from simulator.studies.axes import axis_of

    return [axis_of(key, values) for key, values in arguments.overrides(set).items()]


def _positive(name: str, value: Any) -> int:
    count = arguments.whole(name, value, "4")
    if count < 1:
        raise InputError(f"{name} {count}: expected 1 or more")
    return count
