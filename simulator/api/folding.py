"""The Python function of the folding search: `fold`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.api.simulate import machine_of, workload_of
from simulator.base import arguments
from simulator.base.errors import InputError
from simulator.base.progress import Progress
from simulator.machines import Hardware
from simulator.workload import Workload, configure

if TYPE_CHECKING:
    from simulator.studies.folding import Folding


def fold(
    workload: Workload | str | Path,
    hardware: Hardware | str | Path,
    *,
    min_images_per_s: float | None = None,
    max_area: float | None = None,
    bits: float | None = None,
    tau: int | None = None,
    tau_1x1: int | None = None,
    taus: Mapping[str, int] | None = None,
    set: Mapping[str, object] | None = None,
    activation_bits: int | None = None,
    shortcut_bits: int | None = None,
    batch: int = 8,
    input_size: int | tuple[int, int] | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> "Folding":
    """Fold the stages of a pipeline: least area at a rate, or the highest rate in an area.

    The folds are exact; the depths of FIFOs are bounded (docs/sweep.md).

    Args:
        workload: a shipped name, a path, or a `Workload`.
        hardware: a pipeline, by shipped name or path, or a `Hardware`. A fold or a depth of a FIFO
            that its file gives stays.
        min_images_per_s: find the least area with at least this rate.
        max_area: find the highest rate with at most so many gate equivalents, instead.
        bits: bits per weight, as in `simulate`.
        tau: index width of kernels in bits, 1 to 9, instead of `bits`.
        tau_1x1: index width of a 1x1 vector in bits, 1 to 8.
        taus: tau of single layers by name; overrides `bits` and `tau`.
        set: hardware keys to override, such as `{"clock_ghz": 0.2}`.
        activation_bits: bits of every activation, 1 to 32. Default: the network file's, or 1.
        shortcut_bits: bits per value of the maps between binary layers. Default: the network
            file's, or 16.
        batch: images of the runs that measure an interval, at least 4.
        input_size: height and width in pixels, or one number for both. Default: the file's size.
        out: folder for found.yaml, a hardware file, and search.json.
        progress: called with a title, the number of folds tried and their total.

    Returns:
        A `Folding`: `hardware`, which `simulate` takes, `rate`, `area`, `layer_rows()` and
        `summary()`, plain data.

    Raises:
        InputError: a wrong type, an unknown name or key, both limits or none, a machine without
            stages, or a limit that no folding meets.

    Example:
        >>> import simulator
        >>> free = {"folding.layers": {}}  # no folds of the file
        >>> found = simulator.fold("lfc-w1a1", "lfc-w1a1", min_images_per_s=1e5, bits=1, set=free)
        >>> found.rate >= 1e5
        True

    """
    from simulator.studies.folding import find_folding
    from simulator.studies.folding.output import save_folding

    given = [x for x in (min_images_per_s, max_area) if x is not None]
    if len(given) != 1:
        raise InputError("fold: give either min_images_per_s or max_area")
    precision: dict[str, Any] = {
        "bits": None if bits is None else arguments.number("bits", bits, "0.56"),
        "tau": arguments.optional_whole("tau", tau, "5"),
        "tau_1x1": arguments.optional_whole("tau_1x1", tau_1x1, "5"),
        "taus": arguments.taus_by_layer(taus),
    }
    machine, _ = machine_of(hardware, arguments.overrides(set))
    network = configure(
        workload_of(workload, precision, input_size),
        **precision,
        activation_bits=arguments.optional_whole("activation_bits", activation_bits, "1"),
        shortcut_bits=arguments.optional_whole("shortcut_bits", shortcut_bits, "16"),
        batch=arguments.whole("batch", batch, "8"),
        scope="network",
    )
    if max_area is None:
        limit = arguments.number("min_images_per_s", min_images_per_s, "3000")
        found = find_folding(network, machine, "area", limit, progress)
    else:
        limit = arguments.number("max_area", max_area, "1e6")
        found = find_folding(network, machine, "rate", limit, progress)
    if out is not None:
        save_folding(found, Path(arguments.name_or_path("out", out, "found")))
    return found
