"""Derive workloads from network files: follow the graph, and derive and check every shape."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from simulator.base.errors import InputError
from simulator.base.inputs import convert, read_yaml
from simulator.workload import schema
from simulator.workload.layer import Layer
from simulator.workload.readers import output_bits, own_bits
from simulator.workload.workload import Workload


@dataclass(frozen=True, slots=True)
class _Shape:
    channels: int
    height: int
    width: int
    images: int = 1

    def __str__(self) -> str:
        maps = f"{self.images} maps of " if self.images > 1 else ""
        return f"{maps}{self.channels}x{self.height}x{self.width}"


def read_network(path: Path, input_size: tuple[int, int] | None = None) -> Workload:
    """Read a network file.

    Args:
        path: the YAML file.
        input_size: (height, width) in pixels, instead of the file's size.

    Raises:
        InputError: the file is wrong, or its shapes do not fit together.

    """
    return derive(convert(read_yaml(path), schema.NetworkFile, str(path)), str(path), input_size)


def derive(
    file: schema.NetworkFile, source: str, input_size: tuple[int, int] | None = None
) -> Workload:
    """Derive every layer's shape from a network.

    Args:
        file: contents of a network file.
        source: name of the network in errors.
        input_size: (height, width) in pixels, instead of the network's size.

    Raises:
        InputError: the shapes do not fit together.

    """
    height, width = input_size or (file.input.height, file.input.width)
    if min(height, width) < 1:
        raise InputError(f"input size {height}x{width}: expected at least 1x1 pixel")
    image = schema.Input(channels=file.input.channels, height=height, width=width)
    file = msgspec.structs.replace(file, input=image)
    try:
        layers = _derive(file)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    if all(layer.full_precision for layer in layers):
        raise InputError(f"{source}: no layer has 'precision: binary'; mark the binary layers")
    return Workload(
        name=file.name,
        title=file.title,
        input_height=height,
        input_width=width,
        layers=layers,
        ops_convention=file.ops_convention,
        network=file,
    )


def _derive(file: schema.NetworkFile) -> tuple[Layer, ...]:
    """Derive the shape of every layer; return the layers in file order."""
    shapes = {"input": _Shape(file.input.channels, file.input.height, file.input.width)}
    layers = []
    before = "input"
    written = output_bits(file.layers)
    for node in file.layers:
        if node.name in shapes:
            raise InputError(f"layer {node.name!r}: an earlier entry has this name; choose another")
        entering = _shape_of(node.source or before, node, shapes)
        leaving = _leaving(node, entering, shapes)
        if isinstance(node, schema.Conv | schema.Linear):
            _require_binary(node)
            layer = _layer(node, entering, leaving)
            width = written.get(node.name)
            layers.append(replace(layer, activation_bits=own_bits(node), output_bits=width))
        shapes[node.name] = leaving
        before = node.name
    return tuple(layers)


def _shape_of(name: str, node: schema.Node, shapes: dict[str, _Shape]) -> _Shape:
    if name not in shapes:
        raise InputError(f"layer {node.name!r} reads {name!r}, but no earlier entry has this name")
    return shapes[name]


def _leaving(node: schema.Node, entering: _Shape, shapes: dict[str, _Shape]) -> _Shape:
    """The shape of a node's output."""
    match node:
        case schema.Conv():
            return _convolved(node, entering)
        case schema.Linear():
            return _Shape(node.out_features, 1, 1, entering.images)
        case schema.Pool():
            return replace(
                entering,
                height=_slid(node.name, entering.height, node.kernel, node, node.ceil_mode),
                width=_slid(node.name, entering.width, node.kernel, node, node.ceil_mode),
            )
        case schema.GlobalPool():
            return replace(entering, height=1, width=1)
        case schema.RoiPool():
            return _Shape(entering.channels, node.size, node.size, entering.images * node.count)
        case schema.Add():
            other = _shape_of(node.other, node, shapes)
            if other != entering:
                raise InputError(
                    f"layer {node.name!r} adds {entering} and {node.other!r}, which is {other}"
                )
            return entering
    raise AssertionError(f"{type(node)} has no rule")  # pragma: no cover


def _require_binary(node: schema.Conv | schema.Linear) -> None:
    """Raise if a full-precision layer has activation bits: its operands have the MAC unit's."""
    if node.precision == "full" and own_bits(node) is not None:
        raise InputError(
            f"layer {node.name!r}: activation_bits = {node.activation_bits} has no effect with "
            "precision: full; the hardware key full_precision.bits is the width of its operands"
        )


def _convolved(node: schema.Conv, entering: _Shape) -> _Shape:
    for what, channels in (("input", entering.channels), ("output", node.out_channels)):
        if channels % node.groups:
            raise InputError(
                f"layer {node.name!r}: {channels} {what} channels do not divide into "
                f"groups = {node.groups}"
            )
    if node.precision == "binary" and node.kernel not in {1, 3}:
        raise InputError(
            f"layer {node.name!r}: kernel = {node.kernel} is not a binary kernel (3x3 or 1x1); "
            "mark the layer 'precision: full'"
        )
    extent = node.dilation * (node.kernel - 1) + 1
    return _Shape(
        node.out_channels,
        _slid(node.name, entering.height, extent, node, False),
        _slid(node.name, entering.width, extent, node, False),
        entering.images,
    )


def _slid(
    name: str, size: int, extent: int, node: schema.Conv | schema.Pool, ceil_mode: bool
) -> int:
    """Number of positions of a window of `extent` pixels over `size` pixels plus padding."""
    span = size + 2 * node.padding - extent
    if span < 0:
        raise InputError(
            f"layer {name!r}: its window spans {extent} pixels but its padded input has "
            f"{size + 2 * node.padding}; use a larger input"
        )
    return (span + (node.stride - 1 if ceil_mode else 0)) // node.stride + 1


def _layer(node: schema.Conv | schema.Linear, entering: _Shape, leaving: _Shape) -> Layer:
    stage = node.stage or node.name.split(".")[0]
    if isinstance(node, schema.Linear):
        return Layer(
            name=node.name,
            stage=stage,
            in_channels=entering.channels * entering.height * entering.width,
            out_channels=node.out_features,
            in_height=1,
            in_width=1,
            out_height=1,
            out_width=1,
            kernel=1,
            stride=1,
            padding=0,
            dilation=1,
            groups=1,
            full_precision=node.precision == "full",
            images=entering.images,
        )
    return Layer(
        name=node.name,
        stage=stage,
        in_channels=entering.channels,
        out_channels=node.out_channels,
        in_height=entering.height,
        in_width=entering.width,
        out_height=leaving.height,
        out_width=leaving.width,
        kernel=node.kernel,
        stride=node.stride,
        padding=node.padding,
        dilation=node.dilation,
        groups=node.groups,
        full_precision=node.precision == "full",
        images=entering.images,
    )
