"""Workload files: a workload with its kernels, as a .npz file of plain arrays and a JSON header.

Equal workloads give equal bytes on every computer. The members have the order of the layers, one
fixed date, and no compression. docs/extract.md describes the format for users.
"""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.lib import format as npy
from numpy.typing import NDArray

from simulator.base.errors import InputError
from simulator.base.guard import parse_json
from simulator.base.inputs import convert
from simulator.workload import arrays, schema
from simulator.workload.kernels import KernelSet, id_type, index_type
from simulator.workload.layer import MAX_KERNEL_WEIGHTS, MAX_TAU, Layer
from simulator.workload.network import derive
from simulator.workload.schema import OpsConvention
from simulator.workload.sides import sides
from simulator.workload.source import ModelFile, file_sha256, name_of
from simulator.workload.store_values import (
    is_value,
    read_predictions,
    read_values,
    value_arrays,
)
from simulator.workload.vector_shape import VectorShape, shape_of, vector_layers_from
from simulator.workload.workload import SHORTCUT_BITS, Workload

HEADER = "workload.json"
"""The member that distinguishes a workload file from other .npz files."""
_HEADER_BYTES = 1 << 24
_DATE = (1980, 1, 1, 0, 0, 0)
_WHAT = "workload file"


class Shape(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One layer of a graph: the fields of `Layer` without tau and kernels."""

    name: schema.Name
    stage: schema.Name
    in_channels: schema.Size
    out_channels: schema.Size
    in_height: schema.Size
    in_width: schema.Size
    out_height: schema.Size
    out_width: schema.Size
    kernel: schema.Sizes
    stride: schema.Sizes
    padding: schema.Paddings
    dilation: schema.Sizes
    groups: schema.Size
    full_precision: bool
    images: schema.Size
    activation_bits: schema.ActivationBits | None = None
    output_bits: schema.ActivationBits | None = None
    reads: schema.Name | None = None


class Shapes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A workload with fixed sizes, because it does not come from a network file."""

    name: schema.Name
    title: schema.Name
    ops_convention: OpsConvention
    input_height: schema.Size
    input_width: schema.Size
    layers: Annotated[tuple[Shape, ...], Meta(min_length=1)]
    vector_layers: tuple[VectorShape, ...] = ()
    shortcut_bits: schema.ActivationBits = SHORTCUT_BITS


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The JSON header: `network` or `shapes`, the taus of layers that have one, and the notes."""

    version: Literal[1]
    network: schema.NetworkFile | None = None
    shapes: Shapes | None = None
    taus: dict[schema.Name, Annotated[int, Meta(ge=1, le=MAX_TAU)]] = {}
    notes: tuple[str, ...] = ()
    predicted_images_sha256: str | None = None
    """Fingerprint of the images whose classes the file has."""


def is_workload_file(path: Path) -> bool:
    """True if a .npz file has the header of a workload."""
    with arrays.opened(path, ".npz file") as archive:
        return HEADER in archive.namelist()


# --- writing -----------------------------------------------------------------------------------


def write_workload(workload: Workload, path: Path) -> None:
    """Write a loaded or extracted workload, not a workload configured for a run.

    Raises:
        ValueError: layers of its network are missing.
        InputError: a graph's layer has a name or a size that workload files do not allow.
        OSError: the file is not writable.

    """
    predicted = workload.predictions
    header = Header(
        version=1,
        network=workload.network,
        shapes=None if workload.network else _shapes_of(workload),
        taus={x.name: x.tau for x in workload.layers if x.tau is not None},
        notes=workload.notes,
        predicted_images_sha256=None if predicted is None else predicted.images_sha256,
    )
    convert(msgspec.to_builtins(header), Header, f"{path}: {HEADER}")
    if [_bare(x) for x in workload.layers] != [_bare(x) for x in _shape_only(header, path).layers]:
        raise ValueError("the workload's layers are not those of its network")
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open(_info(HEADER), "w") as file:
            file.write(msgspec.json.encode(header))
        for name, array in (*_kernel_arrays(workload), *value_arrays(workload)):
            with archive.open(_info(f"{name}.npy"), "w") as file:
                _write_array(file, array)


def _shapes_of(workload: Workload) -> Shapes:
    fields = Shape.__struct_fields__
    return Shapes(
        name=workload.name,
        title=workload.title,
        ops_convention=workload.ops_convention,
        input_height=workload.input_height,
        input_width=workload.input_width,
        layers=tuple(Shape(**{f: getattr(x, f) for f in fields}) for x in workload.layers),
        vector_layers=tuple(map(shape_of, workload.vector_layers)),
        shortcut_bits=workload.shortcut_bits,
    )


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system = 3  # Unix on every system
    return info


def _kernel_arrays(workload: Workload) -> Iterator[tuple[str, NDArray[Any]]]:
    for layer in workload.layers:
        if (kernels := layer.kernels) is not None:
            size = len(kernels.subset)
            narrow = "u1" if size <= 1 << 8 else _stored_indices(size)
            ids = _stored_ids(kernels.unit_weights)
            yield f"{layer.name}.subset", kernels.subset.astype(ids)
            yield f"{layer.name}.indices", kernels.indices.astype(narrow)


def _stored_ids(unit_weights: int) -> str:
    return "<u2" if unit_weights <= 16 else "<u8"


def _stored_indices(subset_size: int) -> str:
    """Return the widest type of the indices into a subset of this size."""
    return "<u2" if subset_size <= 1 << 16 else "<u4"


def _write_array(file: IO[bytes], array: NDArray[Any]) -> None:
    npy.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


# --- reading -----------------------------------------------------------------------------------


def read_workload(path: Path, input_size: tuple[int, int] | None = None) -> Workload:
    """Read a workload file.

    Args:
        path: the file.
        input_size: (height, width) in pixels, instead of the file's size.

    Raises:
        InputError: the file is broken, its parts contradict each other, or `input_size` would
            change sizes that come from a graph.

    """
    with arrays.opened(path, _WHAT) as archive:
        members = arrays.members(archive, path)
        header = _header(archive, path)
        shapes = _shape_only(header, path, input_size)
        sets = _kernel_sets(archive, members, {x.name: x for x in shapes.layers}, header, path)
        parameters = read_values(archive, members, shapes, path)
        predictions = read_predictions(archive, members, header.predicted_images_sha256, path)
    layers = tuple(
        replace(x, tau=header.taus.get(x.name), kernels=sets.get(x.name)) for x in shapes.layers
    )
    source = ModelFile(file=name_of(path), sha256=file_sha256(path), input_size=input_size)
    return replace(
        shapes,
        layers=layers,
        parameters=parameters,
        predictions=predictions,
        source=source if sets or parameters else None,
        notes=header.notes,
    )


def _header(archive: zipfile.ZipFile, path: Path) -> Header:
    info = archive.getinfo(HEADER)
    if info.file_size > _HEADER_BYTES:
        raise InputError(
            f"{path}: {HEADER} takes {info.file_size:,} bytes, which is too large for a header"
        )
    text = archive.read(info)
    plain = parse_json(text, f"{path}: {HEADER}", "header", msgspec.json.decode)
    return convert(plain, Header, f"{path}: {HEADER}")


def _shape_only(header: Header, path: Path, input_size: tuple[int, int] | None = None) -> Workload:
    """Return the workload without taus and kernels."""
    if (header.network is None) == (header.shapes is None):
        raise InputError(f"{path}: {HEADER}: expected either 'network' or 'shapes'")
    if header.network is not None:
        shapes = derive(header.network, str(path), input_size)
    else:
        assert header.shapes is not None  # checked above
        shapes = _fixed(header.shapes, path, input_size)
    binary = {layer.name: layer for layer in shapes.binary_layers}
    for name, tau in header.taus.items():
        if name not in binary or tau > binary[name].largest_tau:
            raise InputError(
                f"{path}: {HEADER}: taus.{name} is {tau}, but no binary layer has this name"
            )
    return shapes


def _fixed(file: Shapes, path: Path, input_size: tuple[int, int] | None) -> Workload:
    if input_size is not None:
        raise InputError(
            f"{path}: its sizes come from a graph at {file.input_height}x{file.input_width}; "
            "instead of --input-size, export the graph at the new size"
        )
    names: set[str] = set()
    for shape in file.layers:
        if shape.name in names:
            raise InputError(f"{path}: {HEADER}: the layer {shape.name!r} occurs twice")
        names.add(shape.name)
        require_shape(shape, f"{path}: {HEADER}: {shape.name!r}")
    layers = tuple(Layer(**msgspec.structs.asdict(shape)) for shape in file.layers)
    return Workload(
        name=file.name,
        title=file.title,
        input_height=file.input_height,
        input_width=file.input_width,
        layers=layers,
        vector_layers=vector_layers_from(file.vector_layers, layers, f"{path}: {HEADER}"),
        shortcut_bits=file.shortcut_bits,
        ops_convention=file.ops_convention,
    )


def require_shape(shape: Shape, where: str) -> None:
    """Raise InputError if a layer's numbers contradict each other; `where` names the layer."""
    if shape.in_channels % shape.groups or shape.out_channels % shape.groups:
        raise InputError(f"{where}: channels do not divide into groups")
    if not shape.full_precision and sides(shape.kernel).area > MAX_KERNEL_WEIGHTS:
        raise InputError(f"{where}: a binary kernel has at most {MAX_KERNEL_WEIGHTS} weights")


def _kernel_sets(
    archive: zipfile.ZipFile,
    members: Mapping[str, arrays.Member],
    layers: Mapping[str, Layer],
    header: Header,
    path: Path,
) -> dict[str, KernelSet]:
    """Read the kernels of every layer that has arrays; return them by layer."""
    sets = {}
    for name in members:
        layer_name, _, part = name.rpartition(".")
        if is_value(name):
            continue
        if part not in {"subset", "indices"} or layer_name not in layers:
            raise InputError(f"{path}: the array {name!r} belongs to no layer")
        other = f"{layer_name}.{'indices' if part == 'subset' else 'subset'}"
        if other not in members:
            raise InputError(f"{path}: has {name!r} but not {other!r}")
        if part == "subset":
            layer = replace(layers[layer_name], tau=header.taus.get(layer_name))
            sets[layer_name] = _kernel_set(archive, members[name], members[other], layer, path)
    return sets


def _kernel_set(
    archive: zipfile.ZipFile,
    subset: arrays.Member,
    indices: arrays.Member,
    layer: Layer,
    path: Path,
) -> KernelSet:
    most = 1 << layer.unit_bits
    wanted = (layer.out_channels, layer.units_in)
    ids = np.dtype(_stored_ids(layer.unit_weights))
    if layer.full_precision:
        raise InputError(
            f"{path}: layer {layer.name!r} has full precision and kernels; remove the kernels"
        )
    if not _fits(subset, ids) or len(subset.shape) != 1 or not 1 <= subset.shape[0] <= most:
        raise InputError(
            f"{path}: the subset of layer {layer.name!r} is {subset.dtype} {list(subset.shape)}: "
            f"expected 1 to {most} kernel ids ({ids.name})"
        )
    if indices.shape != wanted:
        raise InputError(
            f"{path}: the indices of layer {layer.name!r} are {list(indices.shape)}: expected "
            f"{list(wanted)}"
        )
    rows = np.dtype(_stored_indices(subset.shape[0]))
    if not _fits(indices, rows):
        raise InputError(
            f"{path}: the indices of layer {layer.name!r} are {indices.dtype}: expected {rows.name}"
        )
    try:
        return KernelSet(
            layer.unit_weights,
            arrays.read(archive, subset).astype(id_type(layer.unit_weights)),
            arrays.read(archive, indices).astype(index_type(subset.shape[0])),
        )
    except ValueError as error:
        raise InputError(f"{path}: layer {layer.name!r}: {error}") from error


def _fits(member: arrays.Member, widest: np.dtype[Any]) -> bool:
    """True if an array has numbers without a sign that are not too wide."""
    return member.dtype.kind == "u" and member.dtype.itemsize <= widest.itemsize


def _bare(layer: Layer) -> Layer:
    return replace(layer, tau=None, kernels=None)
