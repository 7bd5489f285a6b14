"""The networks of a study: one for every model and input size, and for chosen subsets."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simulator.analysis.notes import ignored_in, shortcut_bits_note
from simulator.base.errors import InputError
from simulator.base.shipped import find
from simulator.studies.axes import PRECISION, Value, parse_size
from simulator.studies.inputs import Inputs, NetworkKey
from simulator.studies.points import Points, combinations, naming_row
from simulator.workload import Workload, configure, load_workload
from simulator.workload.choice import Choice
from simulator.workload.loading import is_trained_file
from simulator.workload.model import load_model, refuse_reading
from simulator.workload.scope import FULL_PRECISION_BITS

if TYPE_CHECKING:
    from simulator.workload.subsets import Method

_NETWORK = ("model", "input_size", *PRECISION)
_WITHOUT_SUBSETS = (1, FULL_PRECISION_BITS)
"""Bits per weight that need no subset: a BNN uses every kernel, full precision none."""


def networks_of(
    points: Points,
    taus: Mapping[str, int],
    *,
    subset: "Method | None" = None,
    subset_seed: int | None = None,
    binarize: tuple[str, ...] = (),
    **reading: Any,
) -> dict[NetworkKey, Workload | str]:
    """Load every network in every input size; a text is the reason why a size is impossible.

    With `subset`, a trained network is also present once for every precision of the points. The
    other options are those of `load_model`.

    Raises:
        InputError: a wrong file, or options that no file needs.

    """
    pairs = sorted(combinations(points, ("model", "input_size")), key=str)
    models = dict.fromkeys(str(model) for model, _ in pairs)
    trained = {model for model in models if _is_trained(points, model)}
    if not trained:
        refuse_reading(pairs[0][0], subset=subset, **reading)
    networks: dict[NetworkKey, Workload | str] = {}
    for model, size in ((str(m), None if s is None else str(s)) for m, s in pairs):
        pixels = None if size is None else parse_size(size)
        with naming_row(points, model=model):
            if model in trained:
                network = load_model(model, input_size=pixels, binarize=binarize, **reading)
            else:
                network = load_workload(model, None, binarize)  # refuse a wrong file here
        networks[model, size, ()] = network
        if model in trained:
            continue
        try:
            networks[model, size, ()] = load_workload(model, pixels, binarize)
        except InputError as error:
            networks[model, size, ()] = str(error)
    if subset is None:
        return networks
    chosen: dict[NetworkKey, Workload | str] = {}
    for model, size, bits in precisions(points):
        if model not in trained or bits.get("bits") in _WITHOUT_SUBSETS:
            continue
        with naming_row(points, model=model, **bits):
            chosen[model, size, tuple(bits.items())] = load_model(
                model,
                input_size=None if size is None else parse_size(size),
                choice=Choice(subset=subset, seed=subset_seed, taus=taus, **bits),
                binarize=binarize,
                **reading,
            )
    if not chosen:
        raise InputError(
            f"--subset {subset} has no effect because every layer is at 1 bit or full precision"
        )
    return networks | chosen


def _is_trained(points: Points, model: str) -> bool:
    with naming_row(points, model=model):
        return is_trained_file(find("workloads", model))


def precisions(points: Points) -> list[tuple[str, str | None, dict[str, Any]]]:
    """The networks of the points: model, input size and precision."""
    return [
        (str(model), None if size is None else str(size), _precision(precision))
        for model, size, *precision in sorted(combinations(points, _NETWORK), key=str)
    ]


def _precision(values: Sequence[Value]) -> dict[str, Any]:
    """The precision of a point, by name."""
    return {k: v for k, v in zip(PRECISION, values, strict=True) if v is not None}


def without_kernels(points: Points, inputs: Inputs) -> list[str]:
    """Names of trained networks that run with other taus than in their files.

    A layer with another tau runs shape-only. Baselines do not count.
    """
    networks = inputs.workloads
    if not any(isinstance(x, Workload) and _has_kernels(x) for x in networks.values()):
        return []
    found = set()
    for model, size, bits in precisions(points):
        network = networks.get((model, size, tuple(bits.items()))) or networks[model, size, ()]
        if isinstance(network, Workload) and model not in found:
            try:
                if configure(network, taus=inputs.taus, **bits).kernels_dropped:
                    found.add(model)
            except InputError:
                continue  # the point's own row reports the error
    return sorted(found)


def model_notes(points: Points, inputs: Inputs) -> dict[str, list[str]]:
    """The notes on each model that has any, once: on its file, and on ignored bits."""
    widths: dict[str, list[int]] = defaultdict(list)
    for model, bits in sorted(combinations(points, ("model", "activation_bits")), key=str):
        widths[str(model)] += [bits] if isinstance(bits, int) else []
    asked = "shortcut_bits" in points.names
    found: dict[str, list[str]] = {}
    for (model, _, _), network in inputs.workloads.items():
        if not isinstance(network, Workload):
            continue
        notes = [*network.notes]
        for bits in widths[model]:
            notes += ignored_in(configure(network, activation_bits=bits))
        if asked and (inputs.scope != "network" or not network.binary_layers):
            notes.append(shortcut_bits_note(inputs.scope))
        known = found.setdefault(model, [])
        known += [note for note in dict.fromkeys(notes) if note not in known]
    return {model: notes for model, notes in found.items() if notes}


def _has_kernels(network: Workload) -> bool:
    return any(layer.kernels is not None for layer in network.layers)
