"""Extract a workload from a trained network: shapes from the network, kernels from the weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.progress import Progress, announce
from simulator.base.shipped import find
from simulator.workload.choice import Choice
from simulator.workload.importers import GRAPHS, read_tensors, reader_of
from simulator.workload.importers.matching import trained_layers
from simulator.workload.layer import Layer
from simulator.workload.loading import (
    holds_workload,
    is_trained_file,
    load_workload,
    read_shapes,
)
from simulator.workload.precision import chosen_taus, is_full_precision
from simulator.workload.source import ModelFile, file_sha256, name_of
from simulator.workload.subsets import (
    Method,
    held_tau,
    kernels_of,
    lost_share,
    squared_error,
    squared_sign_error,
)
from simulator.workload.trained import TrainedLayer
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

    @property
    def error_ratio(self) -> float | None:
        """Ratio of the error to the error at 1 bit; None without weights, or if they are ±1."""
        if self.squared_error is None or not self.squared_sign_error:
            return None
        return self.squared_error / self.squared_sign_error

    @property
    def counts(self) -> NDArray[np.int64]:
        """[512 or 256] number of occurrences of each kernel id."""
        if self.layer.kernels is None:
            return np.zeros(1 << self.layer.unit_weights, dtype=np.int64)
        return self.layer.kernels.counts


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
    progress: Progress | None = None,
) -> Extraction:
    """Extract a workload from the file of a trained network.

    Args:
        path: a PyTorch checkpoint, a .safetensors or a .npz file of a state dict, or a graph.
        network: path or shipped name of the network file that describes the layers of the state
            dict; a graph needs no network file.
        input_size: (height, width) in pixels, instead of the network's or the graph's size.
        choice: method that chooses subsets; by default, the subsets in the file.
        binarize: layers of a graph to binarize by the signs of their weights.
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
    workload, trained = _read(path, network, input_size, binarize)
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
            layers.append(_with_kernels(layer, one, taus, choice.subset, seed))
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    _require_a_tau(layers, choice, path)
    return Extraction(
        source=path,
        choice=choice,
        workload=replace(
            workload,
            layers=tuple(one.layer for one in layers),
            source=_source(path, network, input_size, choice, binarize),
        ),
        layers=tuple(layers),
    )


def described(path: Path, input_size: tuple[int, int] | None = None) -> Extraction:
    """Return the contents of a workload file or a network file; no choice of subsets applies.

    Args:
        path: the file.
        input_size: (height, width) in pixels, instead of the file's size.

    Raises:
        InputError: the file is wrong.

    """
    workload = load_workload(path, input_size)
    layers = tuple(ExtractedLayer(layer=layer) for layer in workload.layers)
    return Extraction(source=path, choice=Choice(), workload=workload, layers=layers)


def _source(
    path: Path,
    network: str | Path | None,
    input_size: tuple[int, int] | None,
    choice: Choice,
    binarize: tuple[str, ...],
) -> ModelFile:
    return ModelFile(
        file=name_of(path),
        sha256=file_sha256(path),
        network=None if network is None else str(network),
        input_size=input_size,
        binarize=tuple(binarize),
        subset=choice.subset,
        seed=choice.seed,
        bits=choice.bits,
        tau=choice.tau,
        tau_1x1=choice.tau_1x1,
        taus=tuple((choice.taus or {}).items()),
    )


def _read(
    path: Path,
    network: str | Path | None,
    input_size: tuple[int, int] | None,
    binarize: tuple[str, ...],
) -> tuple[Workload, Iterator[TrainedLayer | None]]:
    """Return the workload's shapes and an iterator that reads its binary layers, in order."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix.lower() in GRAPHS:
        if network is not None:
            raise InputError(f"{path}: holds its own graph; leave out --network {network}")
        workload, by_name = reader_of(GRAPHS[path.suffix.lower()])(path, binarize, input_size)
        return workload, (by_name.get(layer.name) for layer in workload.binary_layers)
    if binarize:
        raise InputError(
            f"{path}: --binarize applies to graphs only; the network file marks the binary layers"
        )
    if holds_workload(path):
        raise InputError(f"{path}: is already a workload, without real weights; give it to --model")
    if network is None:
        raise InputError(
            f"{path}: holds weights but no map sizes; name its network file with --network"
        )
    file = find("workloads", network)
    if is_trained_file(file) or file.suffix.lower() == ".npz":
        raise InputError(f"{file}: is not a network file; use a .yaml file")
    shapes = read_shapes(file, input_size)
    return _titled(shapes, path), trained_layers(read_tensors(path), shapes)


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
    method: Method | None,
    seed: tuple[int, int],
) -> ExtractedLayer:
    if trained is None:  # full precision, or a graph without its weights
        shape_only = replace(layer, tau=taus.get(layer.name, layer.tau))
        return ExtractedLayer(layer=shape_only)
    tau = taus[layer.name] if layer.name in taus else held_tau(trained)
    kernels = kernels_of(trained, tau, method, seed)
    return ExtractedLayer(
        layer=replace(layer, tau=tau, kernels=kernels),
        squared_error=squared_error(trained.weights, kernels),
        squared_sign_error=squared_sign_error(trained.weights),
        lost_share=lost_share(trained.weights, kernels),
    )


def _require_a_tau(layers: list[ExtractedLayer], choice: Choice, path: Path) -> None:
    if choice.subset is not None and all(one.layer.tau is None for one in layers):
        raise InputError(
            f"{path}: --subset {choice.subset} has no effect because every layer is at 1 "
            "bit; give --bits, --tau, or --layer-tau"
        )
