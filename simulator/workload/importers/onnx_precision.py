"""The precision of an ONNX layer, from its weights and the way on which the graph makes them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.wording import layers_phrase
from simulator.workload.importers.onnx_graph import Graph
from simulator.workload.importers.onnx_layers import Found, refuse
from simulator.workload.layer import MAX_KERNEL_WEIGHTS, Layer
from simulator.workload.levels import are_signs, levels_of, without_offset

_OTHER_KERNEL = (
    "{{layers}} ({0}): full precision although the weights are +-alpha, because a binary "
    "kernel has at most {1} weights."
)
_OFFSET = (
    "The weights of {layers} have the form beta +- alpha, as AdaBin's; the kernels are the signs, "
    "and the run leaves out the product of beta and the inputs."
)
_PAIR = (
    "The weights of {{layers}} have two levels per output channel other than +-alpha, {:.4g} and "
    "{:.4g} in the first channel, and count as full precision; --binarize takes the smaller as -1."
)
_MISSED = "The weights of {{layers}} miss +-alpha by up to {:.2g} % and count as full precision."
_OTHER = {
    "bits": "The weights of {layers} are 0 and 1 and count as full precision; --binarize takes 0 "
    "as -1.",
    "ternary": "The weights of {layers} are ternary and count as full precision.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A layer with its precision, and the reason if it is not obvious from its weights."""

    item: Found
    reasons: tuple[str, ...] = ()
    """Sentences about the layer, with its name at `{layers}`."""


def decide(graph: Graph, found: list[Found], patterns: Collection[str]) -> list[Decision]:
    """Mark the binary layers, which use the signs of their weights.

    Args:
        graph: the graph of the layers.
        found: named layers, as full precision.
        patterns: globs over layer names; these layers use the signs of their weights.

    Raises:
        InputError: a pattern matches no layer or a kernel that is too large, or the weights of a
            layer may be binary but the importer cannot compute them.

    """
    names = [item.layer.name for item in found]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches no layer; the layers are "
                f"{listed(names)}"
            )
    return [_decided(graph, item, patterns) for item in found]


def notes_of(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """One sentence per reason, with all its layers."""
    decided = list(decisions)
    names = [each.item.layer.name for each in decided]
    reasons: dict[str, list[str]] = {}
    for each in decided:
        for reason in each.reasons:
            reasons.setdefault(reason, []).append(each.item.layer.name)
    return tuple(
        reason.replace("{layers}", layers_phrase(some, names).text)
        for reason, some in reasons.items()
    )


def listed(names: list[str]) -> str:
    """The first names of a list, and the number of the others."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _decided(graph: Graph, item: Found, patterns: Collection[str]) -> Decision:
    reasons = []
    if item.weights is None and item.constant.obstacle is None:
        reasons.append("The file does not hold the weights of {layers}; only the shapes are known.")
    if _is_chosen(graph, item, patterns):
        if item.constant.obstacle is not None:
            reasons.append(f"{_come_from(item)}; the run uses only their shapes.")
        return _binary(item, *reasons)
    if not can_be_binary(item.layer):
        if item.constant.sign is not None or (item.weights is not None and are_signs(item.weights)):
            reasons.append(_OTHER_KERNEL.format(item.layer.kernel_sides, MAX_KERNEL_WEIGHTS))
        return Decision(item, tuple(reasons))
    if item.constant.obstacle is not None:
        return _blocked(graph, item)
    if item.weights is None:
        return _binary(item, *reasons) if item.constant.sign else Decision(item, tuple(reasons))
    return _by_levels(graph, item, item.weights)


def can_be_binary(layer: Layer) -> bool:
    """True if a kernel has few enough weights for a binary layer."""
    return layer.taps <= MAX_KERNEL_WEIGHTS


def _is_chosen(graph: Graph, item: Found, patterns: Collection[str]) -> bool:
    """True if `--binarize` names a layer, whose kernel must then be small enough."""
    layer = item.layer
    for pattern in patterns:
        if fnmatchcase(layer.name, pattern):
            if can_be_binary(layer):
                return True
            raise InputError(
                f"{graph.path}: binarize {pattern!r} matches layer {layer.name!r}, whose kernel is "
                f"{layer.kernel_sides}; a binary kernel has at most {MAX_KERNEL_WEIGHTS} weights"
            )
    return False


def _binary(item: Found, *reasons: str) -> Decision:
    return Decision(replace(item, layer=replace(item.layer, full_precision=False)), reasons)


def _come_from(item: Found) -> str:
    return f"The weights of {{layers}} come from {item.constant.obstacle}"


def _blocked(graph: Graph, item: Found) -> Decision:
    """A layer whose weights the importer cannot compute: refused if they may be binary."""
    constant = item.constant
    if (origin := constant.sign or constant.levels) is not None:
        way = f"pass through {origin!r} and may be binary"
        refuse(
            graph, item.node,
            f"its weights come from {constant.obstacle}, and {way}; "
            f"binarize {item.layer.name!r} simulates it by shape only",
        )  # fmt: skip
    return Decision(item, (f"{_come_from(item)}, and count as full precision.",))


def _by_levels(graph: Graph, item: Found, weights: NDArray[np.float32]) -> Decision:
    """Decide by the weights themselves."""
    sign, levels = item.constant.sign, levels_of(weights)
    if levels.kind == "signs":
        return _binary(item)
    if levels.kind == "ternary" and sign is not None:
        refuse(
            graph, item.node,
            f"its weights pass through the sign of node {sign!r}, but are not +-alpha per output "
            f"channel ({levels.zeros} are 0); binarize {item.layer.name!r} takes them",
        )  # fmt: skip
    if levels.kind == "pair" or sign is not None:
        moved = without_offset(weights, least=2)
        if moved is not None and (sign is not None or _have_opposite_signs(weights)):
            return _binary(replace(item, weights=moved), _OFFSET)
    if levels.pair is not None:
        return Decision(item, (_PAIR.format(*levels.pair),))
    if levels.kind in _OTHER:
        return Decision(item, (_OTHER[levels.kind],))
    if sign is not None or levels.is_near_miss:
        return Decision(item, (_MISSED.format(100 * levels.deviation),))
    return Decision(item)


def _have_opposite_signs(weights: NDArray[np.float32]) -> bool:
    """True if every output channel has negative and positive weights."""
    rows = weights.reshape(len(weights), -1)
    return bool(((rows.min(axis=1) < 0) & (rows.max(axis=1) > 0)).all())
