"""Match the tensors of a state dict to the layers of a network, by name and shape.

A layer `X` owns `X.weight`, and patterns called `X.patterns` or `X.<submodule>.patterns`, such as
the authors' `X.binarize.patterns`. If no tensor has the exact name of the layer, the match ignores
a wrapper's prefix `module.` and suffix `.conv`. It makes no other guesses.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.base.errors import InputError
from simulator.workload.importers.tensors import TensorFile
from simulator.workload.layer import Layer
from simulator.workload.trained import TrainedLayer
from simulator.workload.workload import Workload

_WEIGHT = ".weight"
_PATTERNS = ".patterns"
_MOST_WEIGHTS = 1 << 28
"""Maximum number of weights of a layer (1 GiB); VGG-16's largest has 103 million."""
_SHOWN = 4
"""Maximum number of names of one kind in an error."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """The tensors of one layer."""

    weight: str
    patterns: str | None


def trained_layers(tensors: TensorFile, workload: Workload) -> Iterator[TrainedLayer]:
    """Read the binary layers of a network, one by one.

    Raises:
        InputError: tensors or layers do not fit (the error names all), or a value is not finite.

    """
    owned = match(tensors, workload)
    for layer in workload.binary_layers:
        names = owned[layer.name]
        yield TrainedLayer(
            name=layer.name,
            weights=tensors.read(names.weight).reshape(_expected(layer)),
            patterns=tensors.read(names.patterns) if names.patterns else None,
        )


def match(tensors: TensorFile, workload: Workload) -> dict[str, Owned]:
    """Find the tensors of every layer.

    Raises:
        InputError: tensors and layers do not fit. The error names layers that are missing, too
            large or of another shape, weights without a layer, and misplaced patterns.

    """
    shapes = {
        name.removesuffix(_WEIGHT): shape
        for name, shape in tensors.shapes.items()
        if name.endswith(_WEIGHT) and len(shape) in {2, 4}
    }
    layers = {layer.name: layer for layer in workload.layers}
    owners = _owners(shapes, layers, tensors)
    patterns, strays = _patterns(tensors.shapes, owners)
    missing = [name for name in layers if name not in owners]
    extra = [stem for stem in shapes if stem not in owners.values()]
    strays = [name for name in strays if not any(name.startswith(f"{stem}.") for stem in extra)]
    problems = [
        *_listed("not in the file", missing),
        *_listed("not in the network", extra),
        *_listed("with another shape", _differing(owners, shapes, layers)),
        *_listed("too large", [n for n, x in layers.items() if x.weights > _MOST_WEIGHTS]),
        *_listed("patterns without a layer", strays),
        *_listed("with wrong patterns", _wrong_patterns(patterns, tensors.shapes, layers)),
    ]
    if problems:
        raise InputError(
            f"{tensors.path}: does not fit the network {workload.name}: {'; '.join(problems)}"
            + _suggestion(missing, extra, shapes, layers)
        )
    return {name: Owned(stem + _WEIGHT, patterns.get(name)) for name, stem in owners.items()}


def _owners(
    shapes: Mapping[str, Shape], layers: Mapping[str, Layer], tensors: TensorFile
) -> dict[str, str]:
    """The name of each layer's weights, without `.weight`, by layer."""
    owners = {name: name for name in layers if name in shapes}
    candidates = defaultdict(list)
    for stem in shapes:
        if stem not in owners:
            candidates[_unwrapped(stem)].append(stem)
    for name in layers:
        stems = candidates[name]
        if name not in owners and len(stems) > 1:
            raise InputError(
                f"{tensors.path}: layer {name!r} matches {_names(stems)}; rename one of them"
            )
        if name not in owners and stems:
            owners[name] = stems[0]
    return owners


def _unwrapped(stem: str) -> str:
    while stem.startswith("module."):
        stem = stem.removeprefix("module.")
    return stem.removesuffix(".conv")


def _patterns(
    names: Mapping[str, Shape], owners: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The patterns by layer, and the patterns without a layer."""
    layer_of = {_unwrapped(stem): name for name, stem in owners.items()}
    layer_of |= {stem: name for name, stem in owners.items()}  # the exact name takes precedence
    found: dict[str, str] = {}
    strays = []
    for name in names:
        if not name.endswith(_PATTERNS):
            continue
        module = name.removesuffix(_PATTERNS)
        parents = (module, module.rpartition(".")[0])
        owner = next(
            (layer_of[p] for q in parents for p in (q, _unwrapped(q)) if p in layer_of), None
        )
        if owner is None or owner in found:
            strays.append(name)
        else:
            found[owner] = name
    return found, strays


def _expected(layer: Layer) -> Shape:
    inputs = layer.in_channels // layer.groups
    return (layer.out_channels, inputs, *layer.kernel_sides)


def _fits(shape: Shape, layer: Layer) -> bool:
    """True if weights have a layer's shape, which may be a matrix for a fully connected layer."""
    expected = _expected(layer)
    return shape == expected or (layer.kernel == 1 and shape == expected[:2])


def _differing(
    owners: Mapping[str, str], shapes: Mapping[str, Shape], layers: Mapping[str, Layer]
) -> list[str]:
    return [
        f"{name} ({_text(shapes[stem])}, the network has {_text(_expected(layers[name]))})"
        for name, stem in owners.items()
        if not _fits(shapes[stem], layers[name])
    ]


def _wrong_patterns(
    patterns: Mapping[str, str], shapes: Mapping[str, Shape], layers: Mapping[str, Layer]
) -> list[str]:
    wrong = []
    for name, tensor in patterns.items():
        layer, shape = layers[name], shapes[tensor]
        allowed = [(2**tau, layer.unit_weights) for tau in range(1, layer.unit_weights + 1)]
        if layer.full_precision:
            wrong.append(f"{name} (full precision in the network file)")
        elif shape not in allowed:
            size = layer.unit_weights
            wrong.append(f"{name} ({_text(shape)}, expected 2^tau x {size}, tau 1 to {size})")
    return wrong


def _suggestion(
    missing: list[str], extra: list[str], shapes: Mapping[str, Shape], layers: Mapping[str, Layer]
) -> str:
    """A hint with the pairs that match by shape and order, if only the names differ."""
    left = list(extra)
    pairs = []
    for name in missing:
        stem = next((s for s in left if _fits(shapes[s], layers[name])), None)
        if stem is None:
            return ""
        left.remove(stem)
        pairs.append(f"{stem} = {name}")
    if left or not pairs:
        return ""
    return f" (by shape and order these would match: {_names(pairs)}; rename one side)"


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{what}: {_names(names)}"] if names else []


def _names(names: list[str]) -> str:
    shown = ", ".join(name if len(name) <= 100 else name[:97] + "..." for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single number"
