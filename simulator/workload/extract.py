"""Extract a workload from a trained network: shapes from the network, kernels from the weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from simulator.base import guard
from simulator.base.errors import InputError
from simulator.base.progress import Progress, announce
from simulator.base.shipped import find
from simulator.workload.centering import Center, Mean, centered, mean_of
from simulator.workload.choice import Choice
from simulator.workload.importers import read_tensors, reader_of
from simulator.workload.importers.formats import GRAPHS
from simulator.workload.importers.matching import match, trained_layers
from simulator.workload.importers.names import Rename, renamed, selected
from simulator.workload.importers.shards import fingerprint
from simulator.workload.importers.state_values import state_values
from simulator.workload.layer import Layer
from simulator.workload.levels import without_offset
from simulator.workload.loading import (
    holds_workload,
    is_trained_file,
    load_workload,
    read_shapes,
)
from simulator.workload.precision import chosen_taus
from simulator.workload.scope import is_full_precision
from simulator.workload.source import ModelFile, name_of
from simulator.workload.subsets import (
    Method,
    held_tau,
    kernels_of,
    least_tau,
    lost_share,
    squared_error,
    squared_sign_error,
)
from simulator.workload.trained import TrainedLayer
from simulator.workload.weight_notes import Finding, weight_notes
from simulator.workload.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedLayer:
    """One layer, and the errors that its kernels cause."""

    layer: Layer
    squared_error: float | None = None
    """Sum of (w - k)^2 over the layer's weights; None without weights."""
    squared_sign_error: float | None = None
    """The squared error at 1 bit: the smallest error that any kernels reach."""

    lost_share: float | None = None
    """Fraction of the weights' energy lost with the best scale per output channel, 0 to 1."""
    finding: Finding | None = None
    """The levels of the weights; None without weights."""

    @property
    def error_ratio(self) -> float | None:
        """Ratio of the error to the error at 1 bit; None without weights, or if they are ±1."""
        if self.squared_error is None or not self.squared_sign_error:
            return None
        return self.squared_error / self.squared_sign_error

    @property
    def uses(self) -> dict[int, int]:
        """The number of occurrences of each kernel id that occurs, in the order of ids."""
        if self.layer.kernels is None:
            return {}
        return dict(zip(*(part.tolist() for part in self.layer.kernels.uses), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """A workload with its kernels, the choice that led to them, and the errors of each layer."""

    source: Path
    choice: Choice
    workload: Workload
    layers: tuple[ExtractedLayer, ...]


def extract(
    path: str | Path,
    *,
    network: str | Path | None = None,
    input_size: tuple[int, int] | None = None,
    choice: Choice | None = None,
    binarize: tuple[str, ...] = (),
    renames: tuple[Rename, ...] = (),
    center: Center = "auto",
    progress: Progress | None = None,
) -> Extraction:
    """Extract a workload from the file of a trained network.

    Args:
        path: a PyTorch checkpoint, a .safetensors or a .npz file of a state dict, or a graph.
        network: path or shipped name of the network file that describes the layers of the state
            dict; a graph needs no network file.
        input_size: (height, width) in pixels, instead of the network's or the graph's size.
        choice: method that chooses subsets; by default, the subsets in the file.
        binarize: layers of a graph to binarize by the signs of their weights; for a state dict,
            the binary layers of a network file of another simulator.
        renames: pairs (name in the file, name in the network) of a state dict's tensors; each name
            may contain one `*`.
        center: mean to subtract from weights that are not signs, before the sign.
        progress: called after each layer.

    Raises:
        InputError: the file is broken or does not fit the network, or the file does not provide
            the subset of `choice`; `choice` asks for full precision.

    """
    path, choice = Path(path), choice or Choice()
    if choice.seed is not None and choice.subset != "random":
        raise InputError(f"seed {choice.seed}: has no effect without --subset random")
    if is_full_precision(choice.bits):
        raise InputError(
            f"bits {choice.bits:g}: extraction chooses binary kernels, and full precision has "
            "none; to run the network in full precision, give the file itself to --model"
        )
    announce(progress, f"reading {path.name}")
    workload, trained = _read(path, network, input_size, binarize, renames)
    taus = chosen_taus(
        workload, bits=choice.bits, tau=choice.tau, tau_1x1=choice.tau_1x1, taus=choice.taus
    )
    layers = []
    for number, layer in enumerate(workload.layers):
        if progress is not None:
            progress(f"extracting {path.name}", number, len(workload.layers))
        one = None if layer.full_precision else next(trained)
        try:
            seed = (choice.seed or 0, number)
            layers.append(
                _with_kernels(layer, one, taus, method=choice.subset, seed=seed, center=center)
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    _require_a_tau(layers, choice, path)
    findings = [one.finding for one in layers if one.finding is not None]
    _require_real_weights(findings, center, path)
    names = [layer.name for layer in workload.layers]
    return Extraction(
        source=path,
        choice=choice,
        workload=replace(
            workload,
            layers=tuple(one.layer for one in layers),
            notes=(*workload.notes, *weight_notes(findings, names)),
            source=ModelFile(
                file=name_of(path),
                sha256=fingerprint(path),
                network=None if network is None else str(network),
                input_size=input_size,
                binarize=tuple(binarize),
                renames=tuple(renames),
                center=center,
                subset=choice.subset,
                seed=choice.seed,
                bits=choice.bits,
                tau=choice.tau,
                tau_1x1=choice.tau_1x1,
                taus=tuple((choice.taus or {}).items()),
            ),
        ),
        layers=tuple(layers),
    )


def described(
    path: Path, input_size: tuple[int, int] | None = None, binarize: tuple[str, ...] = ()
) -> Extraction:
    """Return the contents of a workload file or a network file; no choice of subsets applies.

    Args:
        path: the file.
        input_size: (height, width) in pixels, instead of the file's size.
        binarize: as in `load_workload`.

    Raises:
        InputError: the file is wrong.

    """
    workload = load_workload(path, input_size, binarize)
    layers = tuple(ExtractedLayer(layer=layer) for layer in workload.layers)
    return Extraction(source=path, choice=Choice(), workload=workload, layers=layers)


def _read(
    path: Path,
    network: str | Path | None,
    input_size: tuple[int, int] | None,
    binarize: tuple[str, ...],
    renames: tuple[Rename, ...],
) -> tuple[Workload, Iterator[TrainedLayer | None]]:
    """Return the workload's shapes and an iterator that reads its binary layers, in order."""
    if not guard.is_file(path):
        raise InputError(f"{path}: no such file")
    if path.suffix.lower() in GRAPHS:
        if network is not None:
            raise InputError(f"{path}: holds its own graph; leave out --network {network}")
        if renames:
            raise InputError(f"{path}: --rename applies to state dicts; a graph has its own names")
        workload, by_name = reader_of(GRAPHS[path.suffix.lower()])(path, binarize, input_size)
        return workload, (by_name.get(layer.name) for layer in workload.binary_layers)
    if holds_workload(path):
        raise InputError(f"{path}: is already a workload, without real weights; give it to --model")
    is_trained_file(path)  # refuse an unknown format before asking for the network
    if network is None:
        raise InputError(
            f"{path}: holds weights but no map sizes; name its network file with --network"
        )
    file = find("workloads", network)
    if is_trained_file(file) or file.suffix.lower() == ".npz":
        raise InputError(f"{file}: is not a network file; use a .yaml file")
    shapes = read_shapes(file, input_size, binarize)
    tensors = renamed(selected(read_tensors(path), renames), renames)
    owned = match(tensors, shapes)
    values = state_values(tensors, shapes, owned)
    workload = replace(
        _titled(shapes, path),
        parameters=values.parameters,
        predictions=values.predictions,
        notes=(*shapes.notes, *tensors.notes, *values.notes),
    )
    return workload, trained_layers(tensors, shapes, owned)


def _titled(workload: Workload, path: Path) -> Workload:
    """Rename the network after the file of the trained network."""
    assert workload.network is not None  # `read_shapes` sets it
    name = path.name
    while (suffix := Path(name).suffix.lower()) and suffix in {
        ".pth", ".tar", ".pt", ".npz", ".safetensors",
    }:  # fmt: skip
        name = name[: -len(suffix)]
    name = name[:200] or workload.name
    title = f"{workload.title}, {name}"[:200]
    network = msgspec.structs.replace(workload.network, name=name, title=title)
    return replace(workload, name=name, title=title, network=network)


def _with_kernels(
    layer: Layer,
    trained: TrainedLayer | None,
    taus: Mapping[str, int | None],
    *,
    method: Method | None,
    seed: tuple[int, int],
    center: Center,
) -> ExtractedLayer:
    if trained is None:  # full precision, or a graph without its weights
        shape_only = replace(layer, tau=taus.get(layer.name, layer.tau))
        return ExtractedLayer(layer=shape_only)
    weights = _prepared(trained, center)
    tau = taus[layer.name] if layer.name in taus else held_tau(weights)
    kernels = kernels_of(weights, tau, method, seed)
    moved = 0.0
    if trained.levels.kind in _REAL and center == "auto" and trained.centered is None:
        others = kernels_of(_minus(trained, "channel"), tau, method, seed)
        moved = float(np.mean(kernels.ids != others.ids))
    return ExtractedLayer(
        layer=replace(layer, tau=tau, kernels=kernels),
        squared_error=squared_error(weights.weights, kernels),
        squared_sign_error=squared_sign_error(weights.weights),
        lost_share=lost_share(weights.weights, kernels),
        finding=Finding(
            layer=layer.name,
            weights=layer.weights,
            levels=trained.levels,
            moved=moved,
            unused_tau=least_tau(weights) if tau is None and layer.name not in taus else None,
        ),
    )


_REAL = frozenset({"real", "ternary"})
"""Levels of weights that a mean may be subtracted from; others are signs already."""


def _prepared(trained: TrainedLayer, center: Center) -> TrainedLayer:
    """The layer with the weights whose signs are its kernels."""
    if trained.levels.kind == "bits":
        return replace(trained, weights=2 * trained.weights - 1)
    if trained.levels.kind == "pair":
        moved = without_offset(trained.weights)
        assert moved is not None  # this is how `levels` recognizes a pair
        return replace(trained, weights=moved)
    mean = mean_of(center, trained.centered)
    return trained if mean is None or trained.levels.kind not in _REAL else _minus(trained, mean)


def _minus(trained: TrainedLayer, mean: Mean) -> TrainedLayer:
    return replace(trained, weights=centered(trained.weights, mean))


def _require_real_weights(findings: list[Finding], center: Center, path: Path) -> None:
    if center not in {"auto", "none"} and all(x.levels.kind not in _REAL for x in findings):
        raise InputError(
            f"{path}: --center {center} has no effect because the weights of every binary layer "
            "are signs already"
        )


def _require_a_tau(layers: list[ExtractedLayer], choice: Choice, path: Path) -> None:
    if choice.subset is not None and all(one.layer.tau is None for one in layers):
        raise InputError(
            f"{path}: --subset {choice.subset} has no effect because every layer is at 1 "
            "bit; give --bits, --tau, or --layer-tau"
        )
