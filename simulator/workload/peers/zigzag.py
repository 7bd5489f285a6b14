"""Workload YAML of ZigZag 3 (`zigzag/parser/workload_validator.py` checks these files).

A list of layers. Each has an equation over loop dimensions, and relations such as
`ix=2*ox+1*fx` between an index of the inputs, an output dimension and a kernel dimension.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from simulator.base.errors import InputError
from simulator.base.inputs import convert
from simulator.workload import schema
from simulator.workload.peers.einsum import Einsum, Window, conv_of
from simulator.workload.peers.layers import Listed, names
from simulator.workload.sides import per_axis, sides

_PRODUCTS = frozenset({"Conv", "Conv_downsample", "Gemm"})
_OTHERS = frozenset(
    {"Max", "Pooling", "Add", "Pool", "MaxPool", "AveragePool", "GlobalAveragePool"}
)
_EQUATION = re.compile(
    r"O(?P<outputs>(\[\w+\])+)\+?=(?P<a>\w)(?P<ofa>(\[\w*\])+)\*(?P<b>\w)(?P<ofb>(\[\w*\])+)"
)
_RELATION = re.compile(r"(\w+)=(?:(\d+)\*)?([A-Za-z_]\w*)\+(?:(\d+)\*)?([A-Za-z_]\w*)")
_Sizes = Annotated[tuple[int, ...], Meta(min_length=1, max_length=16)]


class ZigZagLayer(Struct, frozen=True, kw_only=True):
    """One layer; further keys of ZigZag describe its hardware mapping, or are noted."""

    id: int
    operator_type: str
    equation: Annotated[str, Meta(max_length=1000)]
    loop_dims: tuple[str, ...]
    loop_sizes: tuple[schema.Size, ...]
    name: str | None = None
    dimension_relations: tuple[str, ...] = ()
    operand_precision: dict[str, int] = {}
    operand_source: dict[str, int] = {}
    pr_loop_dims: tuple[str, ...] | None = None
    pr_loop_sizes: tuple[schema.Size, ...] | None = None
    padding: tuple[tuple[schema.Padding, ...], ...] | None = None


class _File(Struct, frozen=True, kw_only=True):
    layers: Annotated[tuple[ZigZagLayer, ...], Meta(min_length=1)]


def is_workload(data: Any) -> bool:
    """True for a list whose first entry is a layer with an equation."""
    return (
        isinstance(data, list)
        and bool(data)
        and isinstance(data[0], dict)
        and {"operator_type", "equation"} <= data[0].keys()
    )


def read(data: list[Any], source: str) -> Listed:
    """Read a workload.

    Args:
        data: contents of the file.
        source: name of the file in errors.

    Raises:
        InputError: a layer is wrong, or is not a convolution or a matrix product.

    """
    entries = convert({"layers": data}, _File, source).layers
    layers, skipped = [], []
    for entry in entries:
        name = entry.name or f"layer{entry.id}"
        if entry.operator_type in _OTHERS:
            skipped.append(f"{name} ({entry.operator_type})")
            continue
        where = f"{source}: layer {name!r}"
        if entry.operator_type not in _PRODUCTS:
            raise InputError(
                f"{where}: operator_type is {entry.operator_type!r}; expected "
                f"{', '.join(sorted(_PRODUCTS | _OTHERS))}"
            )
        layers.append({"name": name, **_conv(entry, where)})
    if not layers:
        raise InputError(f"{source}: has no convolution and no matrix product")
    return Listed(tool="ZigZag", layers=layers, notes=list(_notes(entries, skipped, data)))


def _conv(entry: ZigZagLayer, where: str) -> dict[str, Any]:
    einsum, indices = _einsum(entry, where)
    layer = conv_of(einsum, where)
    if entry.pr_loop_dims is None or entry.pr_loop_sizes is None:
        return layer
    given = dict(zip(map(str.lower, entry.pr_loop_dims), entry.pr_loop_sizes, strict=False))
    pads = dict(zip(map(str.lower, entry.pr_loop_dims), entry.padding or (), strict=False))
    sizes = [layer["input"]["height"], layer["input"]["width"]]
    padding = [0, 0]
    for axis, index in enumerate(indices):
        if index not in given:
            continue
        before, after = (*pads.get(index, (0, 0)), 0, 0)[:2]
        size, padding[axis] = given[index] + abs(before - after), min(before, after)
        if size + 2 * padding[axis] < sizes[axis]:
            raise InputError(
                f"{where}: {index} has {size + 2 * padding[axis]} pixels with padding, but its "
                f"outputs read {sizes[axis]}"
            )
        sizes[axis] = min(size, sizes[axis] - 2 * padding[axis] + _unread(layer, axis))
    layer["input"] = {**layer["input"], "height": sizes[0], "width": sizes[1]}
    return {**layer, "padding": per_axis(*padding)}


def _unread(layer: dict[str, Any], axis: int) -> int:
    """Most pixels beyond the last window that leave the number of outputs as it is."""
    stride: int = sides(layer["stride"])[axis]
    return stride - 1


def _einsum(entry: ZigZagLayer, where: str) -> tuple[Einsum, tuple[str, str]]:
    """Return the equation of a layer, and the input's indices of rows and of columns."""
    found = _EQUATION.fullmatch(re.sub(r"\s", "", entry.equation))
    if found is None:
        raise InputError(
            f"{where}: equation is {entry.equation!r}; expected a product of two operands, such as "
            "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]"
        )
    if len(entry.loop_dims) != len(entry.loop_sizes):
        raise InputError(
            f"{where}: {len(entry.loop_dims)} loop_dims, but {len(entry.loop_sizes)} loop_sizes"
        )
    sizes = dict(zip(map(str.lower, entry.loop_dims), entry.loop_sizes, strict=True))
    operands = {found["a"]: _indices(found["ofa"]), found["b"]: _indices(found["ofb"])}
    weights = operands.pop("W", None) or operands.pop(found["b"])
    (inputs,) = operands.values()
    windows = {}
    for relation in entry.dimension_relations:
        index, window = _window(relation, _indices(found["outputs"]), where)
        windows[index] = window
    used = {*weights, *inputs, *_indices(found["outputs"])} - windows.keys()
    used |= {name for one in windows.values() for name in (one.output, one.kernel)}
    if unknown := sorted((used - {""}) ^ sizes.keys()):
        raise InputError(f"{where}: {unknown[0]!r} is not in both the equation and the loop_dims")
    axes = [index for index in inputs if index in windows]
    if len(axes) > 2:
        raise InputError(f"{where}: {len(axes)} axes of windows; expected at most two")
    rows, columns = ["", "", *axes][-2:]
    seen = {*inputs} | {name for one in windows.values() for name in (one.output, one.kernel)}
    einsum = Einsum(
        sizes=sizes,
        weights=set(weights),
        inputs=seen,
        outputs=set(_indices(found["outputs"])),
        windows=(windows.get(rows), windows.get(columns)),
    )
    return einsum, (rows, columns)


def _indices(text: str) -> list[str]:
    """The indices of an operand, such as `[b][c][iy][ix]`."""
    return [index.lower() for index in text[1:-1].split("][")]


def _window(relation: str, outputs: list[str], where: str) -> tuple[str, Window]:
    found = _RELATION.fullmatch(re.sub(r"\s", "", relation))
    if found is None:
        raise InputError(f"{where}: dimension relation {relation!r}; expected ix=2*ox+1*fx")
    index, first, one, second, other = found.groups()
    terms = [(one.lower(), int(first or 1)), (other.lower(), int(second or 1))]
    terms.sort(key=lambda term: term[0] not in outputs)
    (output, stride), (kernel, dilation) = terms
    if output not in outputs or min(stride, dilation) < 1:
        raise InputError(f"{where}: dimension relation {relation!r} has no output dimension")
    return index.lower(), Window(output=output, kernel=kernel, stride=stride, dilation=dilation)


def _notes(entries: tuple[ZigZagLayer, ...], skipped: list[str], data: list[Any]) -> Iterator[str]:
    if skipped:
        yield f"layers without weights take no time: {names(skipped)}."
    if any(entry.operand_precision for entry in entries):
        yield (
            "operand_precision is not read: the options and full_precision.bits set the bits of "
            "operands."
        )
    products = [
        entry.name or f"layer{entry.id}"
        for entry in entries
        if entry.operator_type in _PRODUCTS and entry.operand_source.get("W", entry.id) != entry.id
    ]
    if products:
        yield f"another layer makes the operand W of {names(products)}: it counts as weights."
    known = set(ZigZagLayer.__struct_fields__)
    if unread := sorted({str(key) for entry in data for key in entry} - known):
        yield f"keys that are not read: {names(unread)}."
