"""Derive workloads from network files: follow the graph, and derive and check every shape."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from simulator.base.errors import InputError
from simulator.base.inputs import convert, require_mapping
from simulator.base.wording import layers_phrase
from simulator.workload import schema
from simulator.workload.layer import MAX_KERNEL_WEIGHTS, Layer
from simulator.workload.readers import output_bits, own_bits
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


def network_from(data: Any, path: Path, input_size: tuple[int, int] | None = None) -> Workload:
    """Return the workload of a network file.

    Args:
        data: contents of the YAML file.
        path: the file.
        input_size: (height, width) in pixels, instead of the file's size.

    Raises:
        InputError: the file is wrong, or its shapes do not fit together.

    """
    file = convert(require_mapping(data, str(path)), schema.NetworkFile, str(path))
    return derive(file, str(path), input_size)


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
    try:
        file = file if input_size is None else _resized(file, *input_size)
        layers = _derive(file)
        return Workload(
            name=file.name,
            title=file.title,
            input_height=layers[0].in_height if file.input is UNSET else file.input.height,
            input_width=layers[0].in_width if file.input is UNSET else file.input.width,
            layers=layers,
            ops_convention=file.ops_convention,
            network=file,
            notes=tuple(_unknown_producers(file)),
        )
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _resized(file: schema.NetworkFile, height: int, width: int) -> schema.NetworkFile:
    """Return the network for another size of the image."""
    if min(height, width) < 1:
        raise InputError(f"input size {height}x{width}: expected at least 1x1 pixel")
    if file.input is UNSET or any(map(own_input, file.layers)):
        raise InputError("its layers have inputs of their own; leave out --input-size")
    image = schema.Input(channels=file.input.channels, height=height, width=width)
    return msgspec.structs.replace(file, input=image)


def own_input(node: schema.Node) -> schema.LayerInput | None:
    """The input map that an entry gives itself; None if it reads another entry."""
    own = node.input if isinstance(node, schema.Conv | schema.Linear) else UNSET
    return None if own is UNSET else own


def _unknown_producers(file: schema.NetworkFile) -> Iterator[str]:
    """Note the assumption about layers that read no entry of the file."""
    own = [node.name for node in file.layers if own_input(node)]
    if own and len(file.layers) > 1:
        with_weights = [x.name for x in file.layers if isinstance(x, schema.Conv | schema.Linear)]
        yield layers_phrase(own, with_weights).inflect(
            "{layers} has an input map of its own, of an unknown producer: it reads the map from "
            "DRAM after the previous layer of the file.",
            "{layers} have input maps of their own, of unknown producers: each reads its map from "
            "DRAM after the previous layer of the file.",
        )


def _derive(file: schema.NetworkFile) -> tuple[Layer, ...]:
    """Derive the shape of every layer; return the layers in file order."""
    shapes: dict[str, _Shape] = {}
    if file.input is not UNSET:
        shapes["input"] = _Shape(file.input.channels, file.input.height, file.input.width)
    layers = []
    before = "input"
    written = output_bits(file.layers)
    for node in file.layers:
        if node.name in shapes:
            raise InputError(f"layer {node.name!r}: an earlier entry has this name; choose another")
        entering = _entering(node, before, shapes)
        leaving = _leaving(node, entering, shapes)
        if isinstance(node, schema.Conv | schema.Linear):
            _require_binary(node)
            layer = _layer(node, entering, leaving)
            width = written.get(node.name)
            layers.append(replace(layer, activation_bits=own_bits(node), output_bits=width))
        shapes[node.name] = leaving
        before = node.name
    if not layers:
        raise InputError("no layer has weights; add a layer of type conv or linear")
    return tuple(layers)


def _entering(node: schema.Node, before: str, shapes: dict[str, _Shape]) -> _Shape:
    """The shape of a node's input: its own, or the output of the entry that it reads."""
    own = own_input(node)
    if own is None:
        if node.source is None and before not in shapes:
            raise InputError(f"layer {node.name!r} has no input; give the file or the layer one")
        return _shape_of(node.source or before, node, shapes)
    if node.source is not None:
        raise InputError(f"layer {node.name!r} has both 'from' and 'input'; choose one")
    return _Shape(own.channels, own.height, own.width, own.images)


def _shape_of(name: str, node: schema.Node, shapes: dict[str, _Shape]) -> _Shape:
    if name not in shapes:
        raise InputError(f"layer {node.name!r} reads {name!r}, but no earlier entry has this name")
    return shapes[name]


def _leaving(node: schema.Node, entering: _Shape, shapes: dict[str, _Shape]) -> _Shape:
    """The shape of a node's output."""
    match node:
        case schema.Conv():
            leaving = _convolved(node, entering)
        case schema.Linear():
            leaving = _Shape(node.out_features, 1, 1, entering.images)
        case schema.Pool():
            height, width = _slid(node, entering, sides(node.kernel), ceil_mode=node.ceil_mode)
            leaving = replace(entering, height=height, width=width)
        case schema.GlobalPool():
            leaving = replace(entering, height=1, width=1)
        case schema.RoiPool():
            maps = entering.images * node.count
            leaving = _Shape(entering.channels, node.size, node.size, maps)
        case schema.Add():
            leaving = _added(node, entering, shapes)
        case schema.Concat():
            leaving = _joined(node, entering, shapes)
        case _:  # pragma: no cover
            raise AssertionError(f"{type(node)} has no rule")
    return leaving


def _added(node: schema.Add, entering: _Shape, shapes: dict[str, _Shape]) -> _Shape:
    """The shape of a sum, which is that of both summands."""
    other = _shape_of(node.other, node, shapes)
    if other != entering:
        raise InputError(
            f"layer {node.name!r} adds {entering} and {node.other!r}, which is {other}"
        )
    return entering


def _joined(node: schema.Concat, entering: _Shape, shapes: dict[str, _Shape]) -> _Shape:
    """The shape of maps joined along their channels."""
    channels = entering.channels
    for name in node.others:
        other = _shape_of(name, node, shapes)
        if replace(other, channels=entering.channels) != entering:
            raise InputError(
                f"layer {node.name!r} joins {entering} and {name!r}, which is {other}; only the "
                "channels may differ"
            )
        channels += other.channels
    return replace(entering, channels=channels)


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
    if node.precision == "binary" and sides(node.kernel).area > MAX_KERNEL_WEIGHTS:
        raise InputError(
            f"layer {node.name!r}: kernel = {sides(node.kernel)} has more than the "
            f"{MAX_KERNEL_WEIGHTS} weights of a binary kernel; mark the layer 'precision: full'"
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
