"""The arrays of a workload file other than kernels: values of layers, predicted classes."""

import re
import zipfile
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.workload import arrays
from simulator.workload.values import (
    PARTS,
    LayerValues,
    Parameters,
    Predictions,
    allowed_parts,
    required_parts,
)
from simulator.workload.vector_layer import AnyLayer, in_order
from simulator.workload.workload import Workload

PREDICTIONS = ".predictions"
"""Name of the array of predicted classes; no layer's array begins with a dot."""
_SHA256 = re.compile("[0-9a-f]{64}")
_MOST_IMAGES = 1 << 20


def is_value(name: str) -> bool:
    """True if an array of this name is not part of a layer's kernels."""
    return name == PREDICTIONS or name.rpartition(".")[2] in PARTS


def value_arrays(workload: Workload) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield the arrays of a workload with their names, in the order of its layers."""
    for layer in in_order(workload.layers, workload.vector_layers):
        for part, array in workload.parameters.get(layer.name, LayerValues()).arrays():
            yield f"{layer.name}.{part}", array.astype("<f4")
    if workload.predictions is not None:
        yield PREDICTIONS, workload.predictions.classes.astype("<u2")


def read_values(
    archive: zipfile.ZipFile, members: Mapping[str, arrays.Member], workload: Workload, path: object
) -> Parameters:
    """Read the values of every layer that has some.

    Args:
        archive: the open file.
        members: its arrays.
        workload: the shapes of its layers.
        path: names the file in errors.

    Raises:
        InputError: an array belongs to no layer, has another type or shape than its layer needs,
            or is not finite; an array that the layer also needs is missing.

    """
    ordered = in_order(workload.layers, workload.vector_layers)
    layers = {layer.name: layer for layer in ordered}
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    for name, member in members.items():
        owner, _, part = name.rpartition(".")
        if part not in PARTS:
            continue
        layer = layers.get(owner)
        shape = allowed_parts(layer).get(part) if layer else None
        if shape is None:
            raise InputError(f"{path}: the array {name!r} belongs to no layer")
        if member.dtype != np.dtype("<f4") or member.shape != shape:
            raise InputError(
                f"{path}: the array {name!r} is {member.dtype} {list(member.shape)}: expected "
                f"float32 {list(shape)}"
            )
        values = arrays.read(archive, member)
        if not np.isfinite(values).all():
            raise InputError(f"{path}: the array {name!r} has values that are not finite numbers")
        found.setdefault(owner, {})[part] = values
    for owner, parts in found.items():
        _require_whole(layers[owner], parts, path)
    return {name: LayerValues(**found[name]) for name in layers if name in found}


def _require_whole(layer: AnyLayer, parts: Mapping[str, object], path: object) -> None:
    for missing in sorted(required_parts(layer) - set(parts)):
        have = next(iter(parts))
        raise InputError(f"{path}: has '{layer.name}.{have}' but not '{layer.name}.{missing}'")


def read_predictions(
    archive: zipfile.ZipFile,
    members: Mapping[str, arrays.Member],
    images_sha256: str | None,
    path: object,
) -> Predictions | None:
    """Read the predicted classes, if the file has some.

    Args:
        archive: the open file.
        members: its arrays.
        images_sha256: the fingerprint of the images in the header.
        path: names the file in errors.

    Raises:
        InputError: the array or the fingerprint is missing or wrong.

    """
    member = members.get(PREDICTIONS)
    if (member is None) != (images_sha256 is None):
        raise InputError(
            f"{path}: expected both the array {PREDICTIONS!r} and the header's key "
            "predicted_images_sha256, or neither"
        )
    if member is None or images_sha256 is None:
        return None
    if not _SHA256.fullmatch(images_sha256):
        raise InputError(f"{path}: predicted_images_sha256 is not a fingerprint of 64 hex digits")
    plain = member.dtype == np.dtype("<u2") and len(member.shape) == 1
    if not plain or not 1 <= member.shape[0] <= _MOST_IMAGES:
        raise InputError(
            f"{path}: the array {PREDICTIONS!r} is {member.dtype} {list(member.shape)}: expected "
            f"1 to {_MOST_IMAGES:,} classes (uint16)"
        )
    return Predictions(images_sha256=images_sha256, classes=arrays.read(archive, member))
