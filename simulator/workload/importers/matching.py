"""Match the tensors of a state dict to the layers of a network, by name and shape.

A layer `X` owns the weights of a module `X` (`parameters.py` lists their tensors), and patterns
called `X.patterns` or `X.<submodule>.patterns`, such as the authors' `X.binarize.patterns`. If no
module has the exact name of the layer, the match ignores wrappers (`names.py`). It makes no other
guesses; users rename the rest.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from simulator.base.errors import InputError
from simulator.workload.importers.names import (
    common_beginning,
    shown_names,
    unwrapped,
)
from simulator.workload.importers.parameters import Parameter, Shape, parameters
from simulator.workload.importers.suggestion import suggestion
from simulator.workload.importers.tensors import TensorFile
from simulator.workload.layer import Layer
from simulator.workload.trained import TrainedLayer
from simulator.workload.workload import Workload

_PATTERNS = ".patterns"
_MOST_WEIGHTS = 1 << 28
"""Maximum number of weights of a layer (1 GiB); VGG-16's largest has 103 million."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The tensors of one layer."""

    weight: Parameter
    patterns: str | None


def trained_layers(
    tensors: TensorFile, workload: Workload, owned: Mapping[str, Owned]
) -> Iterator[TrainedLayer]:
    """Read the binary layers of a network, one by one.

    Args:
        tensors: the state dict.
        workload: the network.
        owned: the tensors of its layers, from `match`.

    Raises:
        InputError: a value is not finite.

    """
    for layer in workload.binary_layers:
        one = owned[layer.name]
        yield TrainedLayer(
            name=layer.name,
            weights=one.weight.read(tensors).reshape(_expected(layer)),
            patterns=tensors.read(one.patterns) if one.patterns else None,
        )


def match(tensors: TensorFile, workload: Workload) -> dict[str, Owned]:
    """Find the tensors of every layer.

    Raises:
        InputError: tensors and layers do not fit. The error names layers that are missing, too
            large or of another shape, weights without a layer, and misplaced patterns.

    """
    weights = parameters(tensors.shapes)
    shapes = {module: one.shape for module, one in weights.items()}
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
    if missing and not extra:
        taken = {one.tensor for module, one in weights.items() if module in owners.values()}
        others = [f"{n} ({_text(s)})" for n, s in tensors.shapes.items() if n not in taken]
        problems += _listed("the file's other tensors", others) or ["the file has no other tensors"]
    if problems:
        pairs = _pairs(missing, extra, shapes, layers)
        raise InputError(
            f"{tensors.path}: does not fit the network {workload.name}: {'; '.join(problems)}"
            + suggestion(pairs)
        )
    return {name: Owned(weights[stem], patterns.get(name)) for name, stem in owners.items()}


def _owners(
    shapes: Mapping[str, Shape], layers: Mapping[str, Layer], tensors: TensorFile
) -> dict[str, str]:
    """The module with each layer's weights, by layer."""
    owners = {name: name for name in layers if name in shapes}
    candidates = defaultdict(list)
    common = common_beginning(shapes)
    for stem in shapes:
        if stem not in owners:
            name = next((name for name in unwrapped(stem, common) if name in layers), None)
            candidates[name].append(stem)
    for name in layers:
        stems = candidates[name]
        if name not in owners and len(stems) > 1:
            raise InputError(
                f"{tensors.path}: layer {name!r} matches {shown_names(stems)}; rename one of them"
            )
        if name not in owners and stems:
            owners[name] = stems[0]
    return owners


def _patterns(
    names: Mapping[str, Shape], owners: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The patterns by layer, and the patterns without a layer."""
    common = common_beginning(owners.values())
    layer_of = {short: name for name, stem in owners.items() for short in unwrapped(stem, common)}
    layer_of |= {stem: name for name, stem in owners.items()}  # the exact name takes precedence
    found: dict[str, str] = {}
    strays = []
    for name in names:
        if not name.endswith(_PATTERNS):
            continue
        module = name.removesuffix(_PATTERNS)
        parents = (module, module.rpartition(".")[0])
        shorts = (short for parent in parents for short in (parent, *unwrapped(parent, common)))
        owner = next((layer_of[short] for short in shorts if short in layer_of), None)
        if owner is None or owner in found:
            strays.append(name)
        else:
            found[owner] = name
    return found, strays


def _expected(layer: Layer) -> Shape:
    inputs = layer.in_channels // layer.groups
    return (layer.out_channels, inputs, *layer.kernel_sides)


def _fits(shape: Shape, layer: Layer) -> bool:
    """True if weights have a layer's shape, a matrix for a fully connected layer, or are flat."""
    expected = _expected(layer)
    if shape == expected or (layer.kernel == 1 and shape == expected[:2]):
        return True
    return shape in {(prod(expected),), (prod(expected), 1)}


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
        allowed = [(2**tau, layer.unit_weights) for tau in range(1, layer.largest_tau + 1)]
        if layer.full_precision:
            wrong.append(f"{name} (full precision in the network file)")
        elif shape not in allowed:
            expected = f"2^tau x {layer.unit_weights}, tau 1 to {layer.largest_tau}"
            wrong.append(f"{name} ({_text(shape)}, expected {expected})")
    return wrong


def _pairs(
    missing: list[str], extra: list[str], shapes: Mapping[str, Shape], layers: Mapping[str, Layer]
) -> list[tuple[str, str]]:
    """Pairs (module, layer) that match by shape and order, if only the names differ."""
    left = list(extra)
    pairs = []
    for name in missing:
        stem = next((s for s in left if _fits(shapes[s], layers[name])), None)
        if stem is None:
            return []
        left.remove(stem)
        pairs.append((stem, name))
    return [] if left else pairs


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{what}: {shown_names(names)}"] if names else []


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a single number"
