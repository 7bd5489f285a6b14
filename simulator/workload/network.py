"""Derive workloads from network files: follow the graph, and derive and check every shape."""

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from simulator.base.errors import InputError
from simulator.base.inputs import convert, read_yaml
from simulator.workload import schema
from simulator.workload.layer import Layer
from simulator.workload.sides import PerAxis, Sides, per_axis, sides
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
    for node in file.layers:
        if node.name in shapes:
            raise InputError(f"layer {node.name!r}: an earlier entry has this name; choose another")
        entering = _shape_of(node.source or before, node, shapes)
        leaving = _leaving(node, entering, shapes)
        if isinstance(node, schema.Conv | schema.Linear):
            layers.append(_layer(node, entering, leaving))
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
            height, width = _slid(node, entering, sides(node.kernel), ceil_mode=node.ceil_mode)
            return replace(entering, height=height, width=width)
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


def _convolved(node: schema.Conv, entering: _Shape) -> _Shape:
    for what, channels in (("input", entering.channels), ("output", node.out_channels)):
        if channels % node.groups:
            raise InputError(
                f"layer {node.name!r}: {channels} {what} channels do not divide into "
                f"groups = {node.groups}"
            )
    if node.precision == "binary" and sides(node.kernel) not in {(1, 1), (3, 3)}:
        shown = node.kernel if isinstance(node.kernel, int) else sides(node.kernel)
        raise InputError(
            f"layer {node.name!r}: kernel = {shown} is not a binary kernel (3x3 or 1x1); "
            "mark the layer 'precision: full'"
        )
    extents = Sides(
        *(
            dilation * (size - 1) + 1
            for dilation, size in zip(sides(node.dilation), sides(node.kernel), strict=True)
        )
    )
    height, width = _slid(node, entering, extents)
    return _Shape(node.out_channels, height, width, entering.images)


def _slid(
    node: schema.Conv | schema.Pool, entering: _Shape, extents: Sides, *, ceil_mode: bool = False
) -> tuple[int, int]:
    """Rows and columns of positions of a window that spans `extents` pixels over a padded map."""
    found = []
    for size, extent, padding, stride in zip(
        (entering.height, entering.width),
        extents,
        sides(node.padding),
        sides(node.stride),
        strict=True,
    ):
        span = size + 2 * padding - extent
        if span < 0:
            raise InputError(
                f"layer {node.name!r}: its window spans {extent} pixels but its padded input has "
                f"{size + 2 * padding}; use a larger input"
            )
        found.append((span + (stride - 1 if ceil_mode else 0)) // stride + 1)
    return found[0], found[1]


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
        kernel=_tidy(node.kernel),
        stride=_tidy(node.stride),
        padding=_tidy(node.padding),
        dilation=_tidy(node.dilation),
        groups=node.groups,
        full_precision=node.precision == "full",
        images=entering.images,
    )


def _tidy(value: PerAxis) -> PerAxis:
    """One number if a network file gives two equal ones."""
    return per_axis(*sides(value))
