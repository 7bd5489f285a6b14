"""The API's verb: map a workload, and its baseline, onto a machine, run them, report."""

from collections.abc import Iterable
from collections.abc import Mapping as Items
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulator.analysis.baseline import baseline_bits as bits_of_baseline
from simulator.analysis.running import engine_for, run_one
from simulator.api.result import Result
from simulator.api.wider import WiderRuns, wider_scope
from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.base.yaml_text import parse_yaml
from simulator.machines import Hardware
from simulator.machines.families import scopes_of
from simulator.machines.loading import hardware_data, hardware_from, read_hardware
from simulator.studies.settings import SettingRuns, Without, without
from simulator.workload import Workload, configure
from simulator.workload.precision import require_binary_layers
from simulator.workload.scope import scope_from


def simulate(
    workload: Workload | str | Path,
    hardware: Hardware | str | Path,
    *,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Items[str, int] | None = None,
    set: Items[str, object] | None = None,
    activation_bits: int | None = None,
    shortcut_bits: int | None = None,
    baseline_bits: float | str | None = None,
    batch: int = 1,
    input_size: int | tuple[int, int] | None = None,
    network: str | Path | None = None,
    scope: str | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Simulate a network at some bits per weight, and its baseline on the same hardware.

    Args:
        workload: a shipped name such as `"r18"`, the path of a network, a workload file or a
            trained network, or a `Workload` from `load_workload`.
        hardware: a shipped name such as `"cofluent64"`, a path, or a `Hardware` from
            `load_hardware`.
        bits: bits per weight, such as 0.56; 1 is a BNN, 32 the network in full precision. Without
            `bits` and `tau`, a trained network keeps its own bits, and any other network runs at
            1 bit.
        tau: index width of kernels in bits, 1 to 9, instead of `bits`; at most a kernel's weights.
        tau_1x1: index width of a 1x1 vector in bits, 1 to 8. Default: min(tau, 8).
        taus: tau of single layers by name; overrides `bits` and `tau`.
        set: hardware keys to override, such as `{"array.pes": 128}`. `result.settings` has the
            effect of each override; the first access measures it by runs without the override.
        activation_bits: bits of every activation, 1 to 32. Default: the network file's, or 1.
        shortcut_bits: bits per value of the maps between binary layers in scope `"network"`, 1 to
            32. Default: the network file's, or 16.
        baseline_bits: bits per weight of the baseline, or `"none"` for no baseline; if not given,
            1 for the paper's array, and no baseline for a dense machine or for a network without a
            binary layer.
        batch: images per run.
        input_size: height and width in pixels, or one number for both. Default: the file's size.
        network: network file, by name or path, for a state dict such as a `.pth` file.
        scope: `"binary"` for the binary layers, the paper's comparison; `"weights"` for every
            layer with weights; `"network"` for every layer. Default: `"binary"`, `"weights"` if the
            run or its baseline has 32 bits, or `"network"` for a pipeline.
        engine: `"auto"`, `"fast"` or `"event"`; both engines give the same cycles.
        progress: called with a title, the number of finished commands and their total.

    Returns:
        A `Result`: `speedup`, `cycles`, `time_ms`, `layers` (pandas), `trace` (pandas), `notes()`,
        `energy`, `save(folder)`; `print(result)` prints a summary.

    Raises:
        InputError: a wrong type, an unknown name or key, a value out of range, bits without a
            tau, or a buffer too small for a layer. The message is one line.

    Example:
        >>> from simulator import simulate
        >>> result = simulate("r20", "cofluent64", bits=0.56, set={"array.pes": 32})
        >>> result.cycles < result.baseline.cycles
        True

    """
    precision = {
        "bits": None if bits is None else arguments.number("bits", bits, "0.56"),
        "tau": arguments.optional_whole("tau", tau, "5"),
        "tau_1x1": arguments.optional_whole("tau_1x1", tau_1x1, "5"),
        "taus": arguments.taus_by_layer(taus),
    }
    options: dict[str, Any] = {
        "activation_bits": arguments.optional_whole("activation_bits", activation_bits, "1"),
        "shortcut_bits": arguments.optional_whole("shortcut_bits", shortcut_bits, "16"),
        "batch": arguments.whole("batch", batch, "1"),
        "scope": arguments.optional_text("scope", scope, "weights"),
    }
    arguments.text("engine", engine, "auto")
    machine, others_alone = machine_of(hardware, arguments.overrides(set))
    engine_for(engine, machine)
    loaded = workload_of(workload, precision, input_size, network)

    base = bits_of_baseline(baseline_bits, machine.machine)
    if baseline_bits is None and not loaded.binary_layers:
        base = None  # it would be the run itself
    sides: list[dict[str, Any]] = [precision] if base is None else [precision, {"bits": base}]
    options["scope"] = scope_from(
        options["scope"], (side["bits"] for side in sides), scopes_of([machine.machine])
    )
    workloads = _configured(loaded, sides, options)
    run, *others = (run_one(one, machine, engine, progress) for one in workloads)
    result = Result(
        hardware=machine,
        run=run,
        baseline=others[0] if others else None,
        hardware_file=None if isinstance(hardware, Hardware) else str(hardware),
    )
    wider = wider_scope(loaded, run.workload, machine)
    if wider is not None:
        networks = _configured(loaded, sides, {**options, "scope": wider})
        runs = WiderRuns(networks, machine, engine, progress)
        result = replace(result, measure_wider=runs)
    if not others_alone:
        return result
    return replace(result, measure_settings=SettingRuns(result, others_alone, progress))


def _configured(
    loaded: Workload, sides: Iterable[dict[str, Any]], options: dict[str, Any]
) -> list[Workload]:
    """The workloads of the run and of its baseline, if any, with the same layers.

    Args:
        loaded: the network.
        sides: options of the precision of each run.
        options: options of both runs.

    """
    workloads = [configure(loaded, **options, **side) for side in sides]
    require_binary_layers(options["activation_bits"], workloads)
    return workloads


def workload_of(
    workload: Workload | str | Path,
    precision: Items[str, Any] | None = None,
    size: int | tuple[int, int] | None = None,
    network: str | Path | None = None,
) -> Workload:
    """Return the workload itself, or load it by name or path.

    Args:
        workload: a workload, a shipped name or a path.
        precision: `bits`, `tau`, `tau_1x1` and `taus`, which choose a trained network's subsets.
        size: input size in pixels instead of the file's size.
        network: network file of a state dict.

    Raises:
        InputError: a wrong type or file, or an argument that has no effect on a loaded workload.

    """
    if isinstance(workload, Workload):
        for name, value in (("input_size", size), ("network", network)):
            if value is not None:
                raise InputError(
                    f"{name} has no effect on a loaded workload: give the workload by name or path"
                )
        return workload
    path = arguments.name_or_path("workload", workload, "r18", "a Workload from load_workload")
    if network is not None:
        arguments.name_or_path("network", network, "r18-snn")
    from simulator.workload.choice import Choice
    from simulator.workload.model import load_model

    given = {name: value for name, value in (precision or {}).items() if value is not None}
    return load_model(
        path,
        network=network,
        input_size=None if size is None else arguments.input_size(size),
        choice=Choice(**given),
    )


def machine_of(
    hardware: Hardware | str | Path, values: Items[str, object]
) -> tuple[Hardware, list[Without]]:
    """Return hardware with overridden keys, and for every key the hardware without that override.

    Args:
        hardware: hardware, a shipped name or a path.
        values: values by dotted key.

    Raises:
        InputError: a wrong type or file, an unknown key, or an invalid value.

    """
    if isinstance(hardware, Hardware) and not values:
        return hardware, []
    data, name = hardware_data(hardware)
    machine = hardware_from(data, values, "set" if values else name)
    return machine, [
        without(key, data, {other: value for other, value in values.items() if other != key})
        for key in values
    ]


def with_settings(
    result: Result,
    hardware_file: str | Path,
    settings: Iterable[str],
    progress: Progress | None = None,
) -> Result:
    """Add to a result the effect of each of its `KEY=VALUE` overrides, by running without it.

    Args:
        result: from a run with `load_hardware(hardware_file, settings)`.
        hardware_file: path or shipped name.
        settings: overrides, in the order of their application.
        progress: called during a run.

    """
    data = read_hardware(hardware_file)
    given = [(key, parse_yaml(text, key)) for key, _, text in (x.partition("=") for x in settings)]
    others_alone = [
        without(key, data, dict(given[:n] + given[n + 1 :])) for n, (key, _) in enumerate(given)
    ]
    runs = SettingRuns(result, others_alone, progress)
    runs()
    return replace(result, measure_settings=runs)
