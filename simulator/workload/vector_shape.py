"""Layers without weights in workload files and saved results."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from msgspec import Meta, Struct, structs

from simulator.base.errors import InputError
from simulator.workload import schema
from simulator.workload.layer import Layer
from simulator.workload.sides import Sides
from simulator.workload.vector_layer import (
    VectorKind,
    VectorLayer,
    in_order,
    maps_read,
    sources,
)

_PAIR = Meta(min_length=2, max_length=2)
_Sides = Annotated[tuple[schema.Size, ...], _PAIR]
_Paddings = Annotated[tuple[schema.Padding, ...], _PAIR]
_SIDES = ("window", "strides", "paddings")


class VectorShape(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """The fields of `VectorLayer`."""

    name: schema.Name
    stage: schema.Name
    kind: VectorKind
    reads: Annotated[tuple[schema.Name, ...], Meta(min_length=1)]
    after: Annotated[int, Meta(ge=0, le=1 << 30)]
    operand_channels: Annotated[tuple[schema.Size, ...], Meta(min_length=1)]
    in_height: schema.Size
    in_width: schema.Size
    out_channels: schema.Size
    out_height: schema.Size
    out_width: schema.Size
    window: _Sides
    strides: _Sides
    paddings: _Paddings
    images: schema.Size
    function: schema.Function | None = None
    groups: schema.Size = 1


def shape_of(layer: VectorLayer) -> VectorShape:
    """Return a layer's fields for a file."""
    return VectorShape(**{name: getattr(layer, name) for name in VectorShape.__struct_fields__})


def vector_layers_from(
    shapes: Iterable[VectorShape], layers: Sequence[Layer], where: str
) -> tuple[VectorLayer, ...]:
    """Return the layers of a file.

    Args:
        shapes: the layers in the order of execution.
        layers: the network's layers with weights.
        where: names the file in errors.

    Raises:
        InputError: a name occurs twice, the order is wrong, a window is in the padding alone, or a
            layer reads a map that no earlier layer makes, or another number of maps than it has
            sizes for.

    """
    found = []
    for shape in shapes:
        if len(shape.reads) != len(shape.operand_channels):
            raise InputError(
                f"{where}: {shape.name!r} reads {len(shape.reads)} maps, but has sizes of "
                f"{len(shape.operand_channels)}"
            )
        sides = {name: Sides(*getattr(shape, name)) for name in _SIDES}
        if any(pad >= size for pad, size in zip(sides["paddings"], sides["window"], strict=True)):
            raise InputError(f"{where}: {shape.name!r} has windows of padding alone")
        reads, channels = maps_read(shape.kind, shape.reads, shape.operand_channels)
        maps = {"reads": reads, "operand_channels": channels}
        found.append(VectorLayer(**structs.asdict(shape) | sides | maps))
    _require_order(layers, found, where)
    return tuple(found)


def _require_order(
    layers: Sequence[Layer], vector_layers: Sequence[VectorLayer], where: str
) -> None:
    """Raise if a layer reads a map that no earlier layer makes, or has another layer's name."""
    ordered = in_order(layers, vector_layers)
    if len(ordered) < len(layers) + len(vector_layers):
        raise InputError(
            f"{where}: {vector_layers[-1].name!r} runs after more layers than there are"
        )
    known = {"input"}
    for layer in ordered:
        unknown = [name for name in sources(layer) if name not in known]
        if unknown:
            raise InputError(
                f"{where}: {layer.name!r} reads {unknown[0]!r}, which no earlier layer makes"
            )
        if layer.name in known:
            raise InputError(f"{where}: {layer.name!r} occurs twice")
        known.add(layer.name)
